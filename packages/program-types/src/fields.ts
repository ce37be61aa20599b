import type { ContextField, ContextStruct } from "@bpfkit/abi";
import type { GuestMemory, Region } from "@bpfkit/core";
import { ProgramTypeError } from "./error.js";

/** A field, or one element of an array, by the name users call it. */
interface NamedField {
  readonly name: string;
  readonly offset: number;
  /** Bytes: 1, 4 or 8. */
  readonly size: number;
}

/** Names each element: a field alone as it is, the elements of an array numbered. */
function namedFields({ fields }: ContextStruct): NamedField[] {
  return fields.flatMap(({ name, offset, size, count }: ContextField) =>
    count === undefined
      ? [{ name, offset, size }]
      : Array.from({ length: count }, (_, index) => ({
          name: `${name}${index}`,
          offset: offset + (index * size) / count,
          size: size / count,
        })),
  );
}

/** A context structure in guest memory, its fields by name. */
export class ContextFields {
  readonly region: Region;
  readonly #memory: GuestMemory;
  readonly #fields: ReadonlyMap<string, NamedField>;
  readonly #remembered: Uint8Array;

  constructor(struct: ContextStruct, type: string, memory: GuestMemory) {
    this.#memory = memory;
    this.region = memory.reserve("the context", struct.size, "read");
    this.#remembered = new Uint8Array(struct.size);
    this.#fields = new Map(namedFields(struct).map((field) => [field.name, field]));
    for (const { offset, size, writable } of struct.fields) {
      if (writable.includes(type)) this.#permitWrites(this.region.start + offset, size);
    }
  }

  /** A granule of the shadow counts its valid bytes from the first: a field in its second half opens the first half too. */
  #permitWrites(start: number, size: number): void {
    const { writeShadow } = this.#memory.views;
    for (let granule = start - (start % 8); granule < start + size; granule += 8) {
      const valid = Math.min(8, start + size - granule);
      writeShadow[granule / 8] = Math.max(writeShadow[granule / 8]!, valid);
    }
  }

  get(name: string): bigint {
    const { offset, size } = this.#fields.get(name)!;
    const { data } = this.#memory.views;
    const at = this.region.start + offset;
    if (size === 8) return data.getBigUint64(at, true);
    return BigInt(size === 4 ? data.getUint32(at, true) : data.getUint8(at));
  }

  set(name: string, value: bigint | number): void {
    const { offset, size } = this.#fields.get(name)!;
    const { data } = this.#memory.views;
    const at = this.region.start + offset;
    if (size === 8) data.setBigUint64(at, BigInt(value), true);
    else if (size === 4) data.setUint32(at, Number(value), true);
    else data.setUint8(at, Number(value));
  }

  clear(): void {
    this.#memory.views.u8.fill(0, this.region.start, this.region.start + this.region.size);
  }

  /** Sets what a user asked for. @throws {ProgramTypeError} `UNKNOWN_FIELD` outside `settable`, `BAD_VALUE`. */
  setAll(ctx: Readonly<Record<string, bigint | number>>, settable: readonly string[]): void {
    for (const [name, value] of Object.entries(ctx)) {
      if (!settable.includes(name)) {
        throw new ProgramTypeError(
          "UNKNOWN_FIELD",
          `context field ${name} cannot be set; those that can are ${settable.join(", ")}`,
        );
      }
      const bits = 8 * this.#fields.get(name)!.size;
      if (
        (typeof value === "number" && !Number.isInteger(value)) ||
        BigInt.asUintN(bits, BigInt(value)) !== BigInt(value)
      ) {
        throw new ProgramTypeError("BAD_VALUE", `context field ${name} has ${bits} bits; ${value} does not fit`);
      }
      this.set(name, value);
    }
  }

  /** Remembers what all fields are, for `changes`. */
  remember(): void {
    const { start, size } = this.region;
    this.#remembered.set(this.#memory.views.u8.subarray(start, start + size));
  }

  /** The fields of those named that are different from what was remembered, unsigned. */
  changes(names: readonly string[]): Record<string, bigint> {
    const { u8 } = this.#memory.views;
    const { start } = this.region;
    const changed = names.filter((name) => {
      const { offset, size } = this.#fields.get(name)!;
      for (let at = offset; at < offset + size; at++) if (this.#remembered[at] !== u8[start + at]) return true;
      return false;
    });
    return Object.fromEntries(changed.map((name) => [name, this.get(name)]));
  }
}
