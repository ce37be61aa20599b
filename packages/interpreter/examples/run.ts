import { DEFAULT_PROFILE } from "@bpfkit/abi";
import { parse } from "@bpfkit/asm";
import { type Program, programId, slotIndex } from "@bpfkit/core";
import { interpreter } from "@bpfkit/interpreter";
import { createGuestMemory } from "@bpfkit/memory";

const { code } = parse("r1 = 20; call twice; r0 += 2; exit; twice: r0 = r1; r0 += r1; exit");
const program: Program = {
  name: "answer",
  type: "raw",
  code,
  subprograms: [
    { name: "answer", start: slotIndex(0), linkage: "global" },
    { name: "twice", start: slotIndex(4), linkage: "static" },
  ],
  references: [],
};
const linked = interpreter.link({
  programs: [program],
  maps: new Map(),
  helpers: new Map(),
  memory: createGuestMemory(),
  effects: { clock: () => 0n, random: () => 4, cpu: () => 0, trace: console.log },
  profile: DEFAULT_PROFILE,
});
const context = { r1: 0n, r2: 0n, type: "raw" };
console.log(linked.run(programId(0), context));

const stepper = linked.start(programId(0), context);
stepper.runUntil((frame) => frame.subprogram === "twice");
console.log(stepper.frames.map(({ subprogram, slot }) => `${subprogram} at slot ${slot}`));
stepper.dispose();
