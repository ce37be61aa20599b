import type { GuestMemory, Region, RunContext } from "@bpfkit/core";
import type { ContextBuilder, ContextInput, ContextOutput } from "./builder.js";
import { ProgramTypeError } from "./error.js";

/** r1 is memory, r2 its length; without memory both are 0. */
export class RawContext implements ContextBuilder {
  readonly type = "raw";
  readonly #memory: GuestMemory;
  #region: Region | undefined;

  constructor(memory: GuestMemory) {
    this.#memory = memory;
  }

  build({ data = new Uint8Array(0), ctx = {} }: ContextInput): RunContext {
    const [field] = Object.keys(ctx);
    if (field !== undefined)
      throw new ProgramTypeError("UNKNOWN_FIELD", `a raw program has no context, so no field ${field}`);
    if (this.#region !== undefined && this.#region.size !== data.length) {
      this.#memory.release(this.#region);
      this.#region = undefined;
    }
    if (data.length === 0) return { type: this.type, r1: 0n, r2: 0n };
    this.#region ??= this.#memory.reserve("the memory", data.length, "read-write");
    this.#memory.views.u8.set(data, this.#region.start);
    return { type: this.type, r1: BigInt(this.#region.start), r2: BigInt(data.length) };
  }

  readBack(context: RunContext): ContextOutput {
    if (context.r2 === 0n) return {};
    const start = Number(context.r1);
    return { dataOut: this.#memory.views.u8.slice(start, start + Number(context.r2)) };
  }
}
