import { DEFAULT_PROFILE } from "@bpfkit/abi";
import { functionBtf } from "@bpfkit/btf";
import { isBpfkitError, type Program } from "@bpfkit/core";
import type { FuzzCase, FuzzJudge, FuzzVerdict } from "@bpfkit/fuzz";
import { type Verdict, verify } from "@bpfkit/verifier";

/** Our verifier's verdicts. */
export function verifierJudge(): FuzzJudge {
  return { name: "verifier", verdicts };
}

function verdicts({ programs, maps }: FuzzCase): ReturnType<FuzzJudge["verdicts"]> {
  return programs.map((program) => verdictOn(program, maps, false));
}

/** Our verdict on one program; what the verifier cannot follow is refused without a reason, which is no verdict. */
export function verdictOn(program: Program, maps: FuzzCase["maps"], facts: boolean): Verdict | FuzzVerdict {
  const specs = new Map(maps.map((map) => [map.name, map]));
  try {
    return verify(withFunctionInfo(program), { maps: specs, profile: DEFAULT_PROFILE, facts });
  } catch (error) {
    if (!isBpfkitError(error) || error.code !== "UNSUPPORTED") throw error;
    return { verdict: "reject", message: "" };
  }
}

/** Our verifier's word on single programs, asked once for each. */
export class Licences {
  /** Why a program got none; undefined for one that was accepted. */
  readonly #refusals = new WeakMap<Program, string | undefined>();

  /** Whether the program was asked about, and accepted. */
  readonly accepted = (program: Program): boolean =>
    this.#refusals.has(program) && this.#refusals.get(program) === undefined;

  /** Asks about the programs of a case; the first that is refused, and why. */
  refusal(subject: FuzzCase): { readonly program: string; readonly reason: string } | undefined {
    if (subject.programs.some((program) => !this.#refusals.has(program))) this.#ask(subject);
    for (const program of subject.programs) {
      const reason = this.#refusals.get(program);
      if (reason !== undefined) return { program: program.name, reason };
    }
    return undefined;
  }

  #ask(subject: FuzzCase): void {
    for (const [index, { verdict, message }] of verdicts(subject).entries()) {
      const reason = verdict === "accept" ? undefined : (message ?? "refused").replaceAll("\n", "; ");
      this.#refusals.set(subject.programs[index]!, reason);
    }
  }
}

/** What the kernel's judge adds to a program with subprograms and no BTF: static functions that return int. */
function withFunctionInfo(program: Program): Program {
  if (program.btf !== undefined || program.subprograms.length < 2) return program;
  const functions = program.subprograms.map(({ name, start }) => ({ name, slot: start }));
  return { ...program, btf: functionBtf(functions, program.type) };
}
