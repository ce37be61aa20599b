import type { ExecutableMemory } from "@bpfkit/core";
import { BIAS, CONTEXT_BYTES, type ContextField, FIELDS, KEPT_STACK_WORDS } from "./context.js";

/** JavaScript's view of a run context. Machine code gets `address`. */
export class RunBuffer {
  /** What the context register holds. */
  readonly address: bigint;
  /** r1–r5 as 32-bit halves, low first. */
  readonly args: Int32Array;
  private readonly i32: Int32Array;
  private readonly u64: BigUint64Array;

  readonly #native: ExecutableMemory;
  /** What fields point to, so that it stays where it is. */
  readonly #held = new Map<ContextField, ArrayBufferView>();

  constructor(native: ExecutableMemory) {
    this.#native = native;
    const buffer = new ArrayBuffer(CONTEXT_BYTES);
    this.i32 = new Int32Array(buffer);
    this.u64 = new BigUint64Array(buffer);
    this.args = new Int32Array(buffer, FIELDS.args, 10);
    this.address = native.addressOf(this.i32) + BigInt(BIAS);
  }

  /** The low 32 bits of a field, signed. */
  get(name: ContextField): number {
    return this.i32[FIELDS[name] >> 2]!;
  }

  /** Sets 32 bits. */
  set(name: ContextField, value: number): void {
    this.i32[FIELDS[name] >> 2] = value;
  }

  /** An unsigned 64-bit field (an element of it, where it has several). */
  get64(name: ContextField, element = 0): bigint {
    return this.u64[(FIELDS[name] >> 3) + element]!;
  }

  set64(name: ContextField, value: bigint, element = 0): void {
    this.u64[(FIELDS[name] >> 3) + element] = value;
  }

  /** Points a field to data outside the JavaScript heap, and keeps the data alive. */
  point(name: ContextField, data: ArrayBufferView): void {
    this.#held.set(name, data);
    this.set64(name, this.#native.addressOf(data));
  }

  /** A signed 64-bit field that is known to be a safe integer. */
  getInteger(name: ContextField): number {
    const at = FIELDS[name] >> 2;
    return this.i32[at + 1]! * 4294967296 + (this.i32[at]! >>> 0);
  }

  /** Sets a signed 64-bit field to a safe integer. */
  setInteger(name: ContextField, value: number): void {
    const at = FIELDS[name] >> 2;
    this.i32[at] = value;
    this.i32[at + 1] = Math.floor(value / 4294967296);
  }

  /** Zeroes 64-bit fields from one to another. */
  zero(from: ContextField, words: number): void {
    const at = FIELDS[from] >> 2;
    this.i32.fill(0, at, at + 2 * words);
  }

  /** Native stack of the last fault, the top first, as numbers (addresses are below 2^47). */
  keptStack(): Float64Array {
    const words = Math.min(this.get("keptWords"), KEPT_STACK_WORDS);
    const at = FIELDS.kept >> 3;
    return Float64Array.from(this.u64.subarray(at, at + words), Number);
  }
}
