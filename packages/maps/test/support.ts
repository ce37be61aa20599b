import { type GuestMemory, isBpfkitError, type MapSpec, type MapStorage, mapId } from "@bpfkit/core";
import { createMap } from "@bpfkit/maps";
import { createGuestMemory } from "@bpfkit/memory";

/** `ok`, or the code of what was thrown. */
export function answer(action: () => void): string {
  try {
    action();
    return "ok";
  } catch (error) {
    if (isBpfkitError(error)) return error.code;
    throw error;
  }
}

export const u32 = (value: number): Uint8Array => bytesOf(value, 4);
export const u64 = (value: number): Uint8Array => bytesOf(value, 8);

function bytesOf(value: number, size: number): Uint8Array {
  const bytes = new Uint8Array(size);
  new DataView(bytes.buffer).setUint32(0, value, true);
  return bytes;
}

export interface Fixture {
  readonly memory: GuestMemory;
  readonly map: MapStorage;
  /** Puts bytes where a program could have them: its stack. Each call its own place. */
  readonly put: (bytes: Uint8Array) => number;
  readonly read: (address: number, size: number) => Uint8Array;
}

const SPEC: MapSpec = { name: "counters", type: "array", keySize: 4, valueSize: 8, maxEntries: 4, flags: 0 };

export function fixture(spec: Partial<MapSpec>, cpus = 1, memory: GuestMemory = createGuestMemory()): Fixture {
  const map = createMap({ ...SPEC, ...spec }, { memory, id: mapId(5), cpus });
  let used = 0;
  const stack = memory.reserve("the stack", 4096, "read-write").start;
  return {
    memory,
    map,
    put: (bytes) => {
      const address = stack + (used % 2048);
      used += Math.ceil(bytes.length / 8) * 8;
      memory.views.u8.set(bytes, address);
      return address;
    },
    read: (address, size) => memory.views.u8.slice(address, address + size),
  };
}
