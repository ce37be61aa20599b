import { helperByName } from "@bpfkit/abi";
import { parse } from "@bpfkit/asm";
import type { Fault, HelperBody, HelperTable, MapSpec, RunResult } from "@bpfkit/core";
import { helperTable } from "@bpfkit/helpers";
import { load, programFromCode, type Vm, type VmOptions } from "@bpfkit/vm";

/** Maps every VM of text has: `programs` with 4 slots, `counters` with one value of 64 bytes. */
export const MAPS: readonly MapSpec[] = [
  { name: "programs", type: "prog_array", keySize: 4, valueSize: 4, maxEntries: 4, flags: 0 },
  { name: "counters", type: "array", keySize: 4, valueSize: 64, maxEntries: 1, flags: 0 },
];

export interface AssembledOptions extends VmOptions {
  readonly type?: string;
  /** Beside `MAPS`. */
  readonly maps?: readonly MapSpec[];
}

/** A program of text; labels that are called name its subprograms. */
export function assembled(name: string, text: string, type = "raw"): ReturnType<typeof programFromCode> {
  const { code, references, labels } = parse(text, { helperId: (helper) => helperByName(helper)?.id });
  const program = programFromCode(code, { name, type, references });
  const names = new Map([...labels].map(([label, slot]) => [slot as number, label]));
  const subprograms = program.subprograms.map((one) => ({
    ...one,
    name: one.start === 0 ? one.name : (names.get(one.start) ?? one.name),
  }));
  return { ...program, subprograms };
}

/** Programs by name from text; `slots` of the map `programs` are filled as it says. */
export function vmOf(
  texts: Record<string, string>,
  slots: Record<number, string> = {},
  { type, maps = [], ...options }: AssembledOptions = {},
): Vm {
  const programs = Object.entries(texts).map(([name, text]) => assembled(name, text, type));
  const vm = load({ programs, maps: [...MAPS, ...maps] }, options);
  for (const [index, name] of Object.entries(slots)) vm.setSlot("programs", Number(index), vm.program(name).program);
  return vm;
}

/** The fault a run must have ended in. */
export function faultOf({ fault, r0 }: Pick<RunResult, "fault" | "r0">): Fault {
  if (fault === undefined) throw new Error(`the run did not fault; r0 is ${r0}`);
  return fault;
}

/** A number in the value of `counters`. */
export function counter(vm: Vm, offset: number): number {
  const value = vm.map("counters").get(new Uint8Array(4))!;
  return new DataView(value.buffer).getInt32(offset, true);
}

/** Text that counts up a number in the value of `counters`; uses r0 and r1. */
export const count = (offset: number): string =>
  `r1 = mapval[counters] + ${offset}; r0 = 1; lock *(u64 *)(r1 + 0) += r0;`;

/** Text that tail-calls a slot of a program array; r1 is what it is. */
export const tail = (slot: number | string = 0, map = "programs"): string =>
  `r2 = map[${map}]; r3 = ${slot}; call tail_call;`;

/** Options with a helper of one's own, which `call 9999` calls, beside all others. */
export const withHelper = (body: HelperBody): { helpers: HelperTable } => ({
  helpers: new Map([...helperTable(), [9999, { kind: "body", name: "own", body }]]),
});
