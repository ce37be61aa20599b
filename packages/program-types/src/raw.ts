import type { Described, GuestMemory, Region, RunContext } from "@bpfkit/core";
import type { ContextBuilder, ContextInput, ContextOutput } from "./builder.js";
import { ProgramTypeError } from "./error.js";

/** r1 is memory, r2 its length; without memory both are 0. */
export class RawContext implements ContextBuilder {
  readonly type = "raw";
  readonly #memory: GuestMemory;
  #region: Region | undefined;
  #described: Described | undefined;

  constructor(memory: GuestMemory) {
    this.#memory = memory;
  }

  build({ data = new Uint8Array(0), ctx = {} }: ContextInput): RunContext {
    const [field] = Object.keys(ctx);
    if (field !== undefined)
      throw new ProgramTypeError("UNKNOWN_FIELD", `a raw program has no context, so no field ${field}`);
    const { start, size } = this.#regionFor(data.length);
    this.#memory.permit(start, size, "none");
    if (data.length === 0) return { type: this.type, r1: 0n, r2: 0n };
    this.#memory.views.u8.set(data, start);
    this.#memory.permit(start, data.length, "read-write");
    this.#described!.size = data.length;
    return { type: this.type, r1: BigInt(start), r2: BigInt(data.length) };
  }

  #regionFor(length: number): Region {
    if (this.#region !== undefined && this.#region.size < length) {
      this.#memory.release(this.#region);
      this.#region = undefined;
    }
    if (this.#region === undefined) {
      this.#region = this.#memory.reserve("the memory's buffer", length, "none");
      this.#described = this.#memory.describe(this.#region.start, "the memory", length);
    }
    return this.#region;
  }

  readBack(context: RunContext): ContextOutput {
    if (context.r2 === 0n) return {};
    const start = Number(context.r1);
    return { dataOut: this.#memory.views.u8.slice(start, start + Number(context.r2)) };
  }
}
