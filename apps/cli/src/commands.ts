import type { Command } from "./command.js";

/** A command by its name. Its file is loaded when it is used, and with it only what it needs. */
export interface CommandRow {
  readonly name: string;
  readonly description: string;
  load(): Promise<{ readonly command: Command }>;
}

/** Every command. A new one is a file in `commands/` and a row here. */
export const COMMANDS: readonly CommandRow[] = [
  { name: "run", description: "run a program on a packet, a pcap or memory", load: () => import("./commands/run.js") },
  {
    name: "verify",
    description: "the kernel's verdict on programs, in its words, without a kernel",
    load: () => import("./commands/verify.js"),
  },
  { name: "inspect", description: "show what a file holds", load: () => import("./commands/inspect.js") },
  { name: "disasm", description: "print programs as text", load: () => import("./commands/disasm.js") },
  {
    name: "stack",
    description: "show call and tail-call chains with their stack",
    load: () => import("./commands/stack.js"),
  },
  {
    name: "profiles",
    description: "show what differs by kernel and architecture",
    load: () => import("./commands/profiles.js"),
  },
  { name: "jit", description: "show the machine code of programs", load: () => import("./commands/jit.js") },
  { name: "asm", description: "turn text into bytecode", load: () => import("./commands/asm.js") },
  { name: "test", description: "run declarative tests", load: () => import("./commands/test.js") },
  {
    name: "compare",
    description: "the same run on every engine there is, differences marked",
    load: () => import("./commands/compare.js"),
  },
  {
    name: "fuzz",
    description: "hold engines against each other on programs nobody wrote",
    load: () => import("./commands/fuzz.js"),
  },
  {
    name: "bench",
    description: "engines, the kernel, clang and outside VMs timed side by side",
    load: () => import("./commands/bench.js"),
  },
  {
    name: "conformance",
    description: "the plugin of the public bpf_conformance suite",
    load: () => import("./commands/conformance.js"),
  },
];
