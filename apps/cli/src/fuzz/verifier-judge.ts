import { functionBtf } from "@bpfkit/btf";
import type { Program } from "@bpfkit/core";
import type { FuzzCase, FuzzJudge } from "@bpfkit/fuzz";
import { load } from "@bpfkit/vm";

/** Our verifier's verdicts. */
export function verifierJudge(): FuzzJudge {
  return { name: "verifier", verdicts };
}

function verdicts({ programs, maps }: FuzzCase): ReturnType<FuzzJudge["verdicts"]> {
  const vm = load({ programs, maps });
  try {
    return programs.map((program) => vm.verify(withFunctionInfo(program), { facts: false }));
  } finally {
    vm.dispose();
  }
}

/** What the kernel's judge adds to a program with subprograms and no BTF: static functions that return int. */
function withFunctionInfo(program: Program): Program {
  if (program.btf !== undefined || program.subprograms.length < 2) return program;
  const functions = program.subprograms.map(({ name, start }) => ({ name, slot: start }));
  return { ...program, btf: functionBtf(functions, program.type) };
}
