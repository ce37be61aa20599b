import { helperByName } from "@bpfkit/abi";
import { parse } from "@bpfkit/asm";
import { type MapSpec, type Program, slotIndex } from "@bpfkit/core";
import { programFromCode } from "@bpfkit/vm";

/** Programs that tail-call each other through the array `jumps`, which holds them in order. */
export interface StackExample {
  readonly programs: readonly Program[];
  readonly maps: readonly MapSpec[];
}

/** A program from text; its labels in capitals are jumps, the others its subprograms. */
function program(name: string, text: string): Program {
  const { code, references, labels } = parse(text, { helperId: (helper) => helperByName(helper)?.id });
  const functions = [
    { slot: 0, name },
    ...[...labels].filter(([label]) => label !== label.toUpperCase()).map(([label, slot]) => ({ slot, name: label })),
  ];
  const made = programFromCode(code, { name, type: "xdp", references, functions });
  const rows = made.subprograms.map(({ start }, index) => ({ slot: slotIndex(start), typeId: index + 1 }));
  // A tail call in a subprogram needs function info; what types it names does not matter to the stack.
  return { ...made, btf: { types: new Uint8Array(), functions: rows, lines: new Uint32Array() } };
}

function example(texts: Readonly<Record<string, string>>): StackExample {
  const programs = Object.entries(texts).map(([name, text]) => program(name, text));
  const slots = programs.map(({ name }, index) => ({ index, of: "program" as const, name }));
  return {
    programs,
    maps: [{ name: "jumps", type: "prog_array", keySize: 4, valueSize: 4, maxEntries: 8, flags: 0, slots }],
  };
}

const tailCall = (index: number): string => `r2 = map[jumps]; r3 = ${index}; call tail_call;`;
const use = (bytes: number): string => `*(u64 *)(r10 - ${bytes}) = 1;`;

/** The chain of the kernel's own comment on the mix (`check_max_stack_depth`): 128, 256, 192, 64, 128 and 32 bytes. */
export const kernelComment: StackExample = example({
  func1: `${use(128)} call subfunc1; exit; subfunc1: ${use(256)} ${tailCall(1)} r0 = 1; exit`,
  func2: `${use(192)} call subfunc2; exit; subfunc2: ${use(64)} call subfunc22; exit;
    subfunc22: ${use(128)} ${tailCall(2)} r0 = 2; exit`,
  func3: `${use(32)} r0 = 3; exit`,
});

/** The picture of the usual guide: two subprograms that tail-call, and their callers, which stay and go on. */
export const guidePicture: StackExample = example({
  func1: `${use(64)} call subfunc1; r0 += 1; exit; subfunc1: ${use(32)} ${tailCall(1)} r0 = 100; exit`,
  func2: `${use(48)} call subfunc2; r0 += 10; exit; subfunc2: ${use(16)} ${tailCall(2)} r0 = 200; exit`,
  func3: `${use(80)} r0 = 3; exit`,
});

/**
 * Keeps all that can be kept: 240 bytes at each of 33 tail calls, and 512 on the last chain. Each entry marks its frame and
 * counts the marks it finds again when its subprogram comes back.
 */
export const adversary: StackExample = example({
  entry: `${use(240)} call sub; r1 = *(u64 *)(r10 - 240); r0 += r1; exit; sub: ${use(272)} ${tailCall(0)} r0 = 0; exit`,
});
