import { profileFor } from "@bpfkit/abi";
import { programId } from "@bpfkit/core";
import { fixedEffects } from "@bpfkit/helpers";
import { interpreter } from "@bpfkit/interpreter";
import { ROWS } from "@bpfkit/isa";
import { compileProgram } from "@bpfkit/jit-x64";
import { createGuestMemory } from "@bpfkit/memory";
import { expect, test } from "vitest";
import { randomFrom, randomProgram } from "../src/random-code.js";

const RUNS = Number(process.env.FUZZ_RUNS ?? 1000);
const MEMORY = 64;
/** What an address that is not cut may be: within 1 GiB of guest memory, whose guards reach further. */
const LOWEST = -(2 ** 30);
const HIGHEST = 2 ** 32 + 2 ** 30;

const memory = createGuestMemory();
const region = memory.reserve("the memory", MEMORY, "read-write");
const around = { maps: new Map(), helpers: new Map(), memory, effects: fixedEffects(), profile: profileFor() };

/** The register whose value an access at a row's instruction uses; undefined where it has none. */
function baseOf(index: number, dst: number, src: number): number | undefined {
  const { form } = ROWS[index]!;
  return form === "dst,[src+offset]" ? src : form.startsWith("[dst") ? dst : undefined;
}

test(`law: in ${RUNS} programs, addresses that confined code leaves uncut cannot leave the guards`, () => {
  let uncut = 0;
  for (let run = 0; run < RUNS; run++) {
    const program = randomProgram(randomFrom(run * 31 + 5), run % 3 === 0, MEMORY);
    const { plan } = compileProgram(program, {
      ...around,
      safety: "confined",
      cells: undefined,
      id: 0,
      bmi2: true,
      jumpSlots: () => undefined,
      functionIndex: () => 0,
    });
    const { table, confine } = plan;
    const linked = interpreter.link({ ...around, programs: [program] });
    const context = { r1: BigInt(region.start), r2: BigInt(MEMORY), type: "raw" };
    linked.run(programId(0), context, {
      budget: 2000,
      onInstruction(event) {
        if (event.kind !== "instruction" || confine![event.slot] !== 0 || table.row[event.slot] === undefined) return;
        const base = baseOf(table.row[event.slot]!, table.dst[event.slot]!, table.src[event.slot]!);
        if (base === undefined || base === 10) return;
        uncut++;
        const value = Number(BigInt.asIntN(64, event.registers[base]!));
        expect(value >= LOWEST && value <= HIGHEST, `run ${run}, slot ${event.slot}: ${value}`).toBe(true);
      },
    });
    linked.dispose();
  }
  expect(uncut).toBeGreaterThan(RUNS / 4);
});
