import { attributes, LAYOUTS } from "./attributes.js";
import { COMMANDS, refusal, tryCommand } from "./command.js";

/** What a test run gives a program. */
export interface TestRunInput {
  /** The packet; left out for types without one. */
  readonly data?: Uint8Array;
  /** The context as the user ABI lays it out; left out for the kernel's default. */
  readonly ctx?: Uint8Array;
  /** Bytes of context to read back. */
  readonly ctxOutBytes?: number;
  /** Times to run it; 1 where left out. `0` for types that take no repeat. */
  readonly repeat?: number;
  /** Bytes the packet may grow to; twice a page more than it has where left out. */
  readonly dataOutBytes?: number;
}

export interface TestRunOutput {
  /** The low 32 bits of r0, unsigned: all that a test run tells. */
  readonly retval: number;
  /** Mean of one run in whole nanoseconds, by the kernel's clock. */
  readonly duration: number;
  readonly data: Uint8Array;
  readonly ctx: Uint8Array;
}

const GROWTH = 8192;

/**
 * Runs a loaded program once or more (`BPF_PROG_TEST_RUN`).
 * @throws {KernelError} where the kernel refuses: `EINVAL` for a packet or context it does not take, `ENOTSUPP` for a
 * program type it cannot test-run.
 */
export function testRun(descriptor: number, input: TestRunInput, what: string): TestRunOutput {
  const data = input.data ?? new Uint8Array();
  const dataOut = new Uint8Array(data.length === 0 ? 0 : (input.dataOutBytes ?? data.length + GROWTH));
  const ctxOut = new Uint8Array(input.ctxOutBytes ?? input.ctx?.length ?? 0);
  const fields = attributes(LAYOUTS.testRun, {
    program: descriptor,
    dataSizeIn: data.length,
    dataIn: orNothing(data),
    dataSizeOut: dataOut.length,
    dataOut: orNothing(dataOut),
    repeat: input.repeat ?? 1,
    ctxSizeIn: input.ctx?.length,
    ctxIn: input.ctx,
    ctxSizeOut: ctxOut.length,
    ctxOut: orNothing(ctxOut),
  });
  const result = tryCommand(COMMANDS.testRun, fields);
  if (result < 0) throw refusal(result, `test run of ${what} on ${data.length} bytes`);
  const read = (field: "retval" | "duration" | "dataSizeOut" | "ctxSizeOut"): number =>
    fields.bytes.getUint32(LAYOUTS.testRun[field][0], true);
  return {
    retval: read("retval"),
    duration: read("duration"),
    data: dataOut.slice(0, read("dataSizeOut")),
    ctx: ctxOut.slice(0, read("ctxSizeOut")),
  };
}

/** The kernel takes a null pointer for nothing. */
function orNothing(data: Uint8Array): Uint8Array | undefined {
  return data.length === 0 ? undefined : data;
}
