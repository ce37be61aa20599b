import type { MapSpec } from "@bpfkit/core";
import type { CaseRun, FuzzCase, SlotChange } from "./case.js";
import { classByName, type ProgramClass } from "./classes.js";
import { layOut, type Mark, type Source, type Step } from "./code.js";
import { writeCallback, writeFunction } from "./function.js";
import { type Random, seededRandom } from "./random.js";
import type { Callee, World } from "./statements/statement.js";

/** Helpers that generated programs call unless told otherwise: those with a repeatable answer, and three without. */
export const DEFAULT_HELPERS: readonly number[] = [5, 7, 8, 9, 26, 28, 44, 65, 87, 88, 89, 181];

export interface GenerateOptions {
  /** Ids of helpers every engine has, beside map lookup, update, deletion and the tail call. */
  readonly helpers?: readonly number[];
}

const ARRAY_NAME = "programs";
/** Bytes of stack along a chain, and before a subprogram that tail-calls (kernel: 512 and below 256). */
const CHAIN_STACK = 512;
const CHAIN_STACK_BEFORE_TAIL_CALL = 240;

/** Makes the case of a seed. The same seed, class and options make the same case. @throws {FuzzError} `UNKNOWN_CLASS`. */
export function generateCase(seed: number, className: string, options: GenerateOptions = {}): FuzzCase {
  const random = seededRandom(seed);
  const kind = classByName(className);
  const type = random.pick(kind.types);
  const helpers = new Set(options.helpers ?? DEFAULT_HELPERS);
  const maps = dataMaps(random, helpers);
  const members = kind.members === undefined ? 0 : random.integer(...kind.members);
  const slots = members + random.integer(1, 3);
  const array = { name: ARRAY_NAME, slots };
  const shared: Shared = { random, kind, type, helpers, maps, ...(members === 0 ? {} : { array }) };
  const size = members === 0 ? random.integer(40, 110) : random.integer(40, 80);
  const sources = [writeProgram(shared, "entry", size)];
  for (let i = 1; i <= members; i++) sources.push(writeProgram(shared, `member${i}`, random.integer(12, 40)));
  const arrayMap = { name: ARRAY_NAME, type: "prog_array", keySize: 4, valueSize: 4, maxEntries: slots, flags: 0 };
  return {
    seed,
    class: className,
    sources,
    programs: sources.map(layOut),
    maps: members === 0 ? maps : [...maps, arrayMap],
    slots: members === 0 ? [] : filledSlots(random, sources, slots),
    runs: runsOf(random, type, sources, members === 0 ? 0 : slots),
  };
}

/** What all programs of a case have in common. */
interface Shared {
  readonly random: Random;
  readonly kind: ProgramClass;
  readonly type: string;
  readonly helpers: ReadonlySet<number>;
  readonly maps: readonly MapSpec[];
  readonly array?: { readonly name: string; readonly slots: number };
}

function dataMaps(random: Random, helpers: ReadonlySet<number>): MapSpec[] {
  const valueSize = random.pick([8, 16, 24]);
  const maps: MapSpec[] = [
    { name: "array", type: "array", keySize: 4, valueSize, maxEntries: random.pick([1, 1, 3, 6]), flags: 0 },
    { name: "hash", type: "hash", keySize: random.pick([4, 8]), valueSize, maxEntries: random.integer(1, 6), flags: 0 },
  ];
  if (helpers.has(87) && helpers.has(88) && helpers.has(89)) {
    const type = random.pick(["queue", "stack"]);
    maps.push({ name: "queue", type, keySize: 0, valueSize: 8, maxEntries: random.integer(1, 4), flags: 0 });
  }
  return maps;
}

/** Writes a program with its subprograms and callbacks. */
function writeProgram(shared: Shared, name: string, size: number): Source {
  const { random, kind } = shared;
  const labels = { next: 0 };
  const [min, max] = kind.subprograms ?? [0, 0];
  const depth = max === 0 ? 0 : random.integer(min, max);
  const callees = Array.from(
    { length: depth },
    (_, i): Callee => ({
      label: labels.next++,
      name: `sub${i + 1}`,
      args: random.integer(0, 4),
      callsLeft: depth > 3 ? 1 : 2,
    }),
  );
  const tailInSubprograms = depth > 0 && (kind.tailCalls === "subprograms" || kind.tailCalls === "both");
  const stack = stackShare(depth, tailInSubprograms);
  const callbacks: World["callbacks"] = [];
  const items: (Step | Mark)[] = [];
  const share = Math.max(12, Math.floor(size / (depth + 1)));
  for (let level = 0; level <= depth; level++) {
    const below = callees.slice(level);
    const mayTailCall = level === 0 ? kind.tailCalls !== "subprograms" : tailInSubprograms;
    const world = worldOf(shared, below, callbacks, mayTailCall, depth > 0, depth > 6);
    const frame = writeFunction(random, labels, {
      world,
      isEntry: level === 0,
      args: level === 0 ? 0 : callees[level - 1]!.args,
      stackBytes: stack,
      size: share,
      ...(below[0] === undefined ? {} : { mustCall: below[0] }),
      mustTailCall: mayTailCall && (level === depth || random.chance(0.5)),
    });
    if (level > 0) {
      const { label, name: subprogram } = callees[level - 1]!;
      items.push({ label, subprogram, stackBytes: stack });
    }
    items.push(...frame.items);
  }
  const world = worldOf(shared, [], callbacks, false, true, true);
  for (const { label, name: callbackName } of callbacks) {
    const frame = writeCallback(random, labels, world);
    items.push({ label, subprogram: callbackName, stackBytes: frame.stackBytes }, ...frame.items);
  }
  return { name, type: shared.type, stackBytes: stack, items };
}

/** Bytes each frame of a chain may have: a multiple of 16, so that rounding adds nothing. */
function stackShare(depth: number, tailCalls: boolean): number {
  const whole = tailCalls ? CHAIN_STACK_BEFORE_TAIL_CALL / depth : (CHAIN_STACK - 16) / (depth + 1);
  return Math.max(32, Math.min(128, Math.floor(whole / 16) * 16));
}

function worldOf(
  shared: Shared,
  callees: readonly Callee[],
  callbacks: World["callbacks"],
  tailCalls: boolean,
  subprograms: boolean,
  deep: boolean,
): World {
  const { type, maps, helpers, kind, array } = shared;
  // Legacy loads end a program from anywhere in it, which the kernel refuses beside calls of subprograms.
  const legacy = subprograms ? { legacyLoad: 0 } : {};
  // A callback is a frame too, and there are 8.
  const weights = { ...kind.weights, ...legacy, ...(deep ? { callback: 0 } : {}) };
  return {
    type,
    maps,
    helpers,
    weights,
    callees,
    callbacks,
    exits: true,
    ...(tailCalls && array !== undefined ? { programArray: array } : {}),
  };
}

function filledSlots(random: Random, sources: readonly Source[], slots: number): SlotChange[] {
  const changes: SlotChange[] = [];
  for (let index = 0; index < slots; index++) {
    if (random.chance(0.2)) continue;
    changes.push({ map: ARRAY_NAME, index, program: random.pick(sources).name });
  }
  return changes;
}

function runsOf(random: Random, type: string, sources: readonly Source[], slots: number): CaseRun[] {
  return Array.from({ length: random.integer(1, 3) }, (_, i): CaseRun => {
    const program = i === 0 || random.chance(0.6) ? "entry" : random.pick(sources).name;
    const data = packetData(random, type);
    if (i === 0 || slots === 0 || random.chance(0.5)) return { program, data };
    const index = random.integer(0, slots - 1);
    return { program, data, slots: [{ map: ARRAY_NAME, index, program: random.pick(sources).name }] };
  });
}

/** A frame of 14 bytes and more that no test run refuses: skb types want a whole header behind an IP protocol number. */
export function packetData(random: Random, type: string): Uint8Array {
  const data = Uint8Array.from({ length: random.integer(14, random.pick([20, 64, 200])) }, () => random.word());
  if (type !== "xdp") data.set([0x88, 0xb5], 12);
  return data;
}
