import type { Engine, Linked, Program } from "@bpfkit/core";
import { interpreter } from "@bpfkit/interpreter";
import { JitLinked, jitX64, type Safety } from "@bpfkit/jit-x64";
import { KernelSession, kernelEngine, kernelSessionOf, programCode } from "@bpfkit/kernel";
import { executableMemory } from "@bpfkit/native";
import type { Vm } from "@bpfkit/vm";
import { BenchError } from "./error.js";

/** An engine in one of its levels of safety. */
export interface Subject {
  /** `jit-x64 confined`. */
  readonly name: string;
  /** Whether it runs only what our verifier accepted. */
  readonly licensed: boolean;
  /** Whether it can run programs of type `raw`, which have no verdict. */
  readonly raw: boolean;
  /** A new engine. `accepted` says which programs have an accepting verdict. */
  make(accepted: (program: Program) => boolean): Engine;
  /** Beginning to repeat costs much itself: the kernel writes XDP's dispatcher anew. */
  readonly setsUp?: true;
  /** Bytes of machine code it made of the entry, where it makes any. */
  codeBytes?(linked: Linked, program: Program): number;
  /** Loads a program and lets go of it, where linking it again would not do all there is to do again. */
  load?(vm: Vm, program: Program): () => void;
}

/** Every engine in each of its levels. */
export const SUBJECTS: readonly Subject[] = [
  { name: "interpreter", licensed: false, raw: true, make: () => interpreter },
  jit("checked"),
  jit("confined"),
  jit("unchecked"),
  {
    name: "kernel",
    licensed: false,
    raw: false,
    setsUp: true,
    make: () => kernelEngine(),
    codeBytes({ set }, program) {
      const session = kernelSessionOf(set.maps) ?? new KernelSession("built");
      session.retain();
      try {
        return programCode(session.descriptorOf(program), program.name).jited.length;
      } finally {
        session.release();
      }
    },
    load(vm, program) {
      const session = kernelSessionOf(vm.maps) ?? new KernelSession("built");
      return () => {
        session.retain();
        try {
          const { verdict, message } = session.verdict(program);
          if (verdict === "reject")
            throw new BenchError("REFUSED", `the kernel rejects it: ${message?.split("\n")[0]}`);
        } finally {
          session.release();
        }
      };
    },
  },
];

function jit(safety: Safety): Subject {
  const licensed = safety !== "checked";
  return {
    name: `jit-x64 ${safety}`,
    licensed,
    raw: !licensed,
    make: (accepted) =>
      jitX64(executableMemory, { safety, verdict: (program) => ({ program, accepted: accepted(program) }) }),
    codeBytes(linked, program) {
      if (!(linked instanceof JitLinked)) return 0;
      const { images } = linked.compiled(linked.idOf(program)!);
      return images.reduce((sum, { bytes }) => sum + bytes.length, 0);
    },
  };
}

/** The subjects that are available here, and why the others are not. */
export function availableSubjects(): {
  readonly subjects: readonly Subject[];
  readonly missing: readonly { readonly subject: string; readonly reason: string }[];
} {
  const answers = SUBJECTS.map((subject) => ({ subject, answer: subject.make(() => false).availability() }));
  return {
    subjects: answers.flatMap(({ subject, answer }) => (answer.available ? [subject] : [])),
    missing: answers.flatMap(({ subject, answer }) =>
      answer.available ? [] : [{ subject: subject.name, reason: answer.reason }],
    ),
  };
}
