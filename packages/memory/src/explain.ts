import type { Described } from "@bpfkit/core";

/** Guest addresses below this are never mapped: a null pointer plus any 16-bit offset faults. */
export const LOWEST_MAPPED = 65_536;

/** 64-bit loads of functions hold addresses from here on; nothing is ever mapped there. */
export const FUNCTION_BASE = 0xf000_0000;

/** A named object, or `count` of them `stride` bytes apart, that a fault may be near. */
export interface Description extends Described {
  readonly name: string;
  readonly stride: number;
  readonly count: number;
}

interface Near {
  readonly description: Description;
  /** Start of the nearest of the described objects. */
  readonly start: number;
  /** Bytes between the access and the object; 0 inside. */
  readonly distance: number;
}

function nearest(descriptions: readonly Description[], address: number): Near | undefined {
  let best: Near | undefined;
  for (const description of descriptions) {
    const index = Math.floor((address - description.start) / description.stride);
    for (const candidate of [index, index + 1]) {
      const start = description.start + Math.min(Math.max(candidate, 0), description.count - 1) * description.stride;
      const distance = address < start ? start - address : Math.max(0, address - (start + description.size) + 1);
      if (best === undefined || distance < best.distance) {
        best = { description, start, distance };
      }
    }
  }
  return best;
}

const bytes = (count: number): string => `${count} byte${count === 1 ? "" : "s"}`;

function wordNear({ description, start }: Near, address: number, size: number): string {
  const end = start + description.size;
  const index = description.count === 1 ? "" : ` at index ${(start - description.start) / description.stride}`;
  const of = `${description.name}${index} (${bytes(description.size)})`;
  if (address >= end) return `${address - end} past the end of ${of}`;
  if (address + size <= start) return `${start - address} before the start of ${of}`;
  if (address < start) return `beginning ${start - address} before the start of ${of}`;
  if (address + size > end) return `at offset ${address - start} of ${of}, ${address + size - end} past its end`;
  return `at offset ${address - start} of ${of}, which does not permit it`;
}

/** Words a failed access by the nearest described object. */
export function explainAccess(
  descriptions: readonly Description[],
  access: "read" | "write",
  address: bigint,
  size: number,
): string {
  const what = `${access} of ${bytes(size)}`;
  const hex = `0x${address.toString(16)}`;
  if (address >= 1n << 32n) return `${what} at ${hex}, which is no guest address: bits 32 to 63 are not zero`;
  if (address < BigInt(LOWEST_MAPPED)) return `${what} at ${hex}, a null pointer plus ${address}`;
  if (address >= BigInt(FUNCTION_BASE))
    return `${what} at ${hex}, where functions have their numbers and nothing is mapped`;
  const near = nearest(descriptions, Number(address));
  return near === undefined
    ? `${what} at ${hex}, nothing is mapped`
    : `${what} at ${hex}, ${wordNear(near, Number(address), size)}`;
}
