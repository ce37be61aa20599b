import { helperById } from "@bpfkit/abi";
import { type PrintedLine, print, type Syntax } from "@bpfkit/asm";
import type { Program } from "@bpfkit/core";

/** A program's instructions as text, with functions, maps and helpers by name. @throws {AsmError} unless it is whole slots. */
export function disassemble(program: Program, syntax: Syntax = "kernel"): PrintedLine[] {
  const { code, subprograms, references, type } = program;
  return print(code, {
    syntax,
    labels: true,
    subprograms,
    references,
    helperName: (id) => helperById(id, type)?.name,
  });
}
