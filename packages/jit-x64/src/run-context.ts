import type { ExecutableMemory } from "@bpfkit/core";
import { BIAS, CONTEXT_BYTES, FIELDS, KEPT_STACK_WORDS } from "./context.js";

/** Words of the fields that a run begins with and changes. */
const RUN_FIELDS = FIELDS.r0 >> 2;
const RUN_FIELDS_END = FIELDS.runsLeft >> 2;

/** JavaScript's view of a run context, by the byte offsets in `FIELDS`. Machine code gets `address`. */
export class RunBuffer {
  /** What the context register holds. */
  readonly address: bigint;
  /** r1–r5 as 32-bit halves, low first. */
  readonly args: Int32Array;
  private readonly i32: Int32Array;
  private readonly u64: BigUint64Array;

  #initial: Int32Array = new Int32Array(0);
  readonly #native: ExecutableMemory;
  /** What fields point to, so that it stays where it is. */
  readonly #held = new Map<number, ArrayBufferView>();

  constructor(native: ExecutableMemory) {
    this.#native = native;
    const buffer = new ArrayBuffer(CONTEXT_BYTES);
    this.i32 = new Int32Array(buffer);
    this.u64 = new BigUint64Array(buffer);
    this.args = new Int32Array(buffer, FIELDS.args, 10);
    this.address = native.addressOf(this.i32) + BigInt(BIAS);
  }

  /** The low 32 bits of a field, signed. */
  get(field: number): number {
    return this.i32[field >> 2]!;
  }

  /** Sets 32 bits. */
  set(field: number, value: number): void {
    this.i32[field >> 2] = value;
  }

  /** An unsigned 64-bit field (an element of it, where it has several). */
  get64(field: number, element = 0): bigint {
    return this.u64[(field >> 3) + element]!;
  }

  set64(field: number, value: bigint, element = 0): void {
    this.u64[(field >> 3) + element] = value;
  }

  /** Points a field to data outside the JavaScript heap, and keeps the data alive. */
  point(field: number, data: ArrayBufferView): void {
    this.#held.set(field, data);
    this.set64(field, this.#native.addressOf(data));
  }

  /** A signed 64-bit field that is known to be a safe integer. */
  getInteger(field: number): number {
    const at = field >> 2;
    return this.i32[at + 1]! * 4294967296 + (this.i32[at]! >>> 0);
  }

  /** Sets a signed 64-bit field to a safe integer. */
  setInteger(field: number, value: number): void {
    const at = field >> 2;
    this.i32[at] = value;
    this.i32[at + 1] = Math.floor(value / 4294967296);
  }

  /** Keeps what the fields of a run are now, for `reset`. */
  remember(): void {
    this.#initial = this.i32.slice(RUN_FIELDS, RUN_FIELDS_END);
  }

  /** Sets the fields of a run back to what was remembered. */
  reset(): void {
    this.i32.set(this.#initial, RUN_FIELDS);
  }

  /** Native stack of the last fault, the top first, as numbers (addresses are below 2^47). */
  keptStack(): Float64Array {
    const words = Math.min(this.get(FIELDS.keptWords), KEPT_STACK_WORDS);
    const at = FIELDS.kept >> 3;
    return Float64Array.from(this.u64.subarray(at, at + words), Number);
  }
}
