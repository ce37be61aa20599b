import { type Program, slotIndex } from "@bpfkit/core";
import { encode, type Instruction, ROWS, type Row } from "@bpfkit/isa";

/** Random 32-bit numbers from a seed (xorshift 13, 17, 5). */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0 || 1;
  for (let i = 0; i < 5; i++) step();
  function step(): number {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  }
  return step;
}

/** Forms a random program may hold: all that need nothing from outside it. */
const FORMS = ROWS.filter(
  ({ name }) => !/^(call|callKfunc|lddw(Map.*|Variable)|addrSpaceCast.*|ld(Abs|Ind).)$/.test(name),
);
const NUMBERS = [0, 1, -1, 2, 3, 7, 8, 10, 16, 31, 32, 63, 64, 100, 127, 128, 255, 256, 1000, -2, -7, -128, -129];
const EDGES = [0x7fff_ffff, -0x8000_0000, 0x1234_5678];

/** What a random program is made of before its jumps are known. */
interface Part {
  readonly row: Row;
  readonly slot: number;
}

/**
 * A random program with up to two subprograms. A tame one stays within its frame and the `memory` bytes at r1, and ends; a
 * wild one goes anywhere.
 */
export function randomProgram(random: () => number, wild: boolean, memory: number): Program {
  const pick = <T>(list: readonly T[]): T => list[random() % list.length]!;
  const number = (): number => (random() % 3 === 0 ? random() | 0 : pick(random() % 4 === 0 ? EDGES : NUMBERS));
  const bodies = Array.from({ length: 1 + (random() % 3) }, (_, index) => {
    const loads = index > 0 ? [] : Array.from({ length: random() % 8 }, () => ROW_OF.lddw!);
    return [...loads, ...Array.from({ length: 1 + (random() % 24) }, () => pick(FORMS)), ROW_OF.exit!];
  });
  let slot = 0;
  const parts: Part[] = [];
  const starts = bodies.map((body) => {
    const start = slot;
    for (const row of body) {
      parts.push({ row, slot });
      slot += row.slots;
    }
    return start;
  });

  const targetFrom = ({ slot: at }: Part): number => {
    const first = starts.findLast((start) => start <= at)!;
    const end = starts[starts.indexOf(first) + 1] ?? slot;
    const targets = parts.filter((part) => part.slot >= first && part.slot < end && (wild || part.slot > at));
    return targets.length === 0 ? at + 1 : pick(targets).slot;
  };

  const fill = (part: Part): Instruction => {
    const { row } = part;
    const fields = {
      dst: wild && random() % 32 === 0 ? 10 : random() % 10,
      src: random() % 10,
      offset: random() % 4 === 0 ? (random() << 16) >> 16 : 0,
      imm: number(),
      nextImm: random() % 2 === 0 ? 0 : number(),
    };
    if (!wild) keepR1(row, fields);
    if (row.form.includes("[")) address(row, fields);
    const callee = starts.filter((start) => wild || start > part.slot);
    if (row.name === "callLocal" && callee.length === 0) return fillFields(ROW_OF.ja!, { ...fields, offset: 0 });
    if (row.name === "callLocal" || row.name === "lddwCode")
      fields.imm = pick(row.name === "callLocal" ? callee : starts) - part.slot - 1;
    else if (row.target !== undefined) fields[row.target] = targetFrom(part) - part.slot - 1;
    return fillFields(row, fields);
  };

  const address = (row: Row, fields: Fields): void => {
    if (wild && random() % 4 === 0) return;
    const base = row.form.startsWith("[dst") ? "dst" : "src";
    const size = row.width! / 8;
    if (random() % 2 === 0) {
      fields[base] = 10;
      fields.offset = -(random() % (wild ? 540 : 513 - size)) - (wild ? 0 : size);
    } else {
      fields[base] = 1;
      fields.offset = random() % (wild ? memory + 8 : memory - size + 1);
    }
  };

  const functions = starts.map((start, index) => ({
    name: index === 0 ? "main" : `f${index}`,
    start: slotIndex(start),
    linkage: "static" as const,
  }));
  return { name: "main", type: "raw", code: encode(parts.map(fill)), subprograms: functions, references: [] };
}

type Fields = Record<"dst" | "src" | "offset" | "imm" | "nextImm", number>;

const ROW_OF: Readonly<Record<string, Row>> = Object.fromEntries(ROWS.map((row) => [row.name, row]));

/** A tame program's r1 stays the address of its memory. */
function keepR1(row: Row, fields: Fields): void {
  const writesSource = row.operation.startsWith("atomicFetch") || row.operation === "xchg";
  if (fields.dst === 1 && !row.form.includes("[dst")) fields.dst = 2;
  if (fields.src === 1 && writesSource) fields.src = 2;
}

function fillFields(row: Row, fields: Fields): Instruction {
  const of = (field: Row["fields"][number]): number => (row.fields.includes(field) ? fields[field] : 0);
  const basic = {
    opcode: row.opcode,
    dst: of("dst"),
    src: of("src"),
    offset: of("offset"),
    imm: of("imm"),
    ...row.select,
  };
  return row.slots === 2 ? { ...basic, nextImm: of("nextImm") } : basic;
}
