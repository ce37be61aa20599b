import { helperById } from "@bpfkit/abi";
import { type InstructionName, ROWS } from "@bpfkit/isa";
import { type FuzzCase, instructionCount } from "./case.js";
import { isStep, type Source } from "./code.js";

/** What a class came to. */
export interface ClassCoverage {
  readonly class: string;
  readonly cases: number;
  readonly accepted: number;
}

/** What a session covered. Shares are of the accepted cases, 0 to 1. */
export interface CoverageTable {
  readonly cases: number;
  readonly programs: number;
  readonly accepted: number;
  readonly classes: readonly ClassCoverage[];
  /** Cases that ran each instruction form, by its name. */
  readonly instructions: Readonly<Record<string, number>>;
  /** Forms no accepted case held. */
  readonly missing: readonly InstructionName[];
  /** Opcode bytes of the table no accepted case held. */
  readonly missingOpcodes: readonly number[];
  /** Calls of each helper, by its name. */
  readonly helpers: Readonly<Record<string, number>>;
  readonly medianInstructions: number;
  readonly branchesAndPacket: number;
  readonly subprograms: number;
  readonly tailCallsInSubprograms: number;
}

const TAIL_CALL = 12;

/** Collects what cases are made of, as they come. */
export class Coverage {
  readonly #classes: Map<string, { cases: number; accepted: number }> = new Map();
  readonly #instructions: Uint32Array = new Uint32Array(ROWS.length);
  readonly #helpers: Map<number, number> = new Map();
  readonly #sizes: number[] = [];
  readonly #features = { branchesAndPacket: 0, subprograms: 0, tailCallsInSubprograms: 0 };
  #programs = 0;

  add(subject: FuzzCase, accepted: boolean): void {
    const row = this.#classes.get(subject.class) ?? { cases: 0, accepted: 0 };
    this.#classes.set(subject.class, row);
    row.cases++;
    this.#programs += subject.programs.length;
    if (!accepted) return;
    row.accepted++;
    this.#sizes.push(instructionCount(subject));
    for (const source of subject.sources) this.#count(source);
    const features = featuresOf(subject);
    for (const name of Object.keys(this.#features) as (keyof typeof features)[]) {
      if (features[name]) this.#features[name]++;
    }
  }

  table(): CoverageTable {
    const classes = [...this.#classes].map(([name, counts]) => ({ class: name, ...counts }));
    const accepted = this.#sizes.length;
    const share = (count: number): number => (accepted === 0 ? 0 : count / accepted);
    const held = ROWS.filter((row) => this.#instructions[row.index]! > 0);
    const opcodes = new Set(held.map((row) => row.opcode));
    return {
      cases: classes.reduce((sum, { cases }) => sum + cases, 0),
      programs: this.#programs,
      accepted,
      classes,
      instructions: Object.fromEntries(held.map((row) => [row.name, this.#instructions[row.index]!])),
      missing: ROWS.filter((row) => this.#instructions[row.index] === 0).map((row) => row.name),
      missingOpcodes: [...new Set(ROWS.map((row) => row.opcode))].filter((opcode) => !opcodes.has(opcode)),
      helpers: Object.fromEntries([...this.#helpers].map(([id, count]) => [helperById(id)?.name ?? `#${id}`, count])),
      medianInstructions: this.#sizes.toSorted((a, b) => a - b)[accepted >> 1] ?? 0,
      branchesAndPacket: share(this.#features.branchesAndPacket),
      subprograms: share(this.#features.subprograms),
      tailCallsInSubprograms: share(this.#features.tailCallsInSubprograms),
    };
  }

  #count(source: Source): void {
    for (const item of source.items) {
      if (!isStep(item)) continue;
      this.#instructions[item.row.index]!++;
      if (item.row.name === "call") this.#helpers.set(item.imm, (this.#helpers.get(item.imm) ?? 0) + 1);
    }
  }
}

interface Features {
  readonly branchesAndPacket: boolean;
  readonly subprograms: boolean;
  readonly tailCallsInSubprograms: boolean;
}

function featuresOf(subject: FuzzCase): Features {
  const steps = subject.sources.flatMap(({ items }) => items.filter(isStep));
  const branches = steps.some(({ row }) => row.target === "offset" && row.fields.includes("dst"));
  const pointers: Readonly<Record<string, number>> = { xdp: 4, sched_cls: 80 };
  const end = pointers[subject.sources[0]?.type ?? ""];
  // Only a load of `data_end` through the context register leads to packet access.
  const packet = steps.some(({ row, src, offset }) => row.name === "ldxW" && src === 6 && offset === end);
  return {
    branchesAndPacket: branches && packet,
    subprograms: steps.some(({ row }) => row.name === "callLocal"),
    tailCallsInSubprograms: subject.sources.some(tailCallsInSubprogram),
  };
}

function tailCallsInSubprogram({ items }: Source): boolean {
  const first = items.findIndex((item) => !isStep(item) && item.subprogram !== undefined);
  if (first < 0) return false;
  return items.slice(first).some((item) => isStep(item) && item.row.name === "call" && item.imm === TAIL_CALL);
}
