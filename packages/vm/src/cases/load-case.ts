import { ATTACH_TYPES, helperByName } from "@bpfkit/abi";
import type { MapSpec, Program, Reference } from "@bpfkit/core";
import { SLOT_BYTES, slotIndex } from "@bpfkit/core";
import { decodeAt, ROWS, rowIndexAt } from "@bpfkit/isa";
import { type CodeFacts, programFromCode } from "../code.js";
import { VmError } from "../error.js";
import { fromHex } from "../hex.js";
import type { CaseMap, CaseProgram, SingleCase } from "./case.js";

/** A case's map as a spec: named by itself or by its place. */
export function mapSpecOf(map: CaseMap, index: number): MapSpec {
  const { type, keySize, valueSize, maxEntries, flags = 0, frozen, inner } = map;
  const shape = { type, keySize, valueSize, maxEntries, flags };
  return {
    name: mapName(map, index),
    ...shape,
    ...(frozen === undefined ? {} : { frozen }),
    ...(inner === undefined
      ? {}
      : { inner: { ...inner, name: `${mapName(map, index)}.inner`, flags: inner.flags ?? 0 } }),
  };
}

/** What a map of a case is called. */
export function mapName(map: CaseMap, index: number): string {
  return map.name ?? `map${index}`;
}

/** What a program of any shape says of how it is loaded. */
function loadFacts({
  type,
  expectedAttachType,
  flags,
  license,
}: CaseProgram | SingleCase): Pick<CodeFacts, "type" | "expectedAttachType" | "flags" | "license"> {
  const attachType = typeof expectedAttachType === "number" ? ATTACH_TYPES[expectedAttachType] : expectedAttachType;
  return {
    type,
    ...(attachType === undefined ? {} : { expectedAttachType: attachType }),
    ...(flags === undefined ? {} : { flags }),
    ...(license === undefined ? {} : { license }),
  };
}

/** Makes a case's program: from its slots where they are recorded, else from its text. */
export async function programOf(program: CaseProgram, maps: readonly CaseMap[], where: string): Promise<Program> {
  const { name, btfFuncs = [] } = program;
  const bytes = await codeOf(program, where);
  const { code, references } =
    bytes === undefined
      ? await assemble(program, maps, where)
      : { code: bytes, references: indexedReferences(bytes, maps) };
  return programFromCode(code, {
    name,
    ...loadFacts(program),
    references,
    functions: btfFuncs.map(({ off, name: of, linkage = "global" }) => ({ slot: off, name: of, linkage })),
  });
}

/** Makes the program of a case that is one program: `mapRefs` says which slot names which map. */
export async function singleProgramOf(single: SingleCase): Promise<Program> {
  const { id, mapRefs, maps } = single;
  const code = await codeOf(single, id);
  if (code === undefined) throw new VmError("BAD_CASE", `${id}: needs "insns" or "insnsZ"`);
  const references = Object.entries(mapRefs).map(([slot, index]) => {
    const map = maps[index];
    if (map === undefined) throw new VmError("BAD_CASE", `${id}: mapRefs: there is no map ${index}`);
    return referenceAt(code, Number(slot), mapName(map, index));
  });
  return programFromCode(code, {
    name: "main",
    ...loadFacts(single),
    references: references.sort((one, other) => one.slot - other.slot),
  });
}

/** What the 64-bit load at a slot refers to: a map, or by its source register an address in its value. */
function referenceAt(code: Uint8Array, slot: number, map: string): Reference {
  const at = slot * SLOT_BYTES;
  const isValue = code[at + 1]! >>> 4 === 2 && at + 2 * SLOT_BYTES <= code.length;
  if (!isValue) return { kind: "map", slot: slotIndex(slot), map };
  const offset = new DataView(code.buffer, code.byteOffset).getUint32(at + 12, true);
  return { kind: "mapValue", slot: slotIndex(slot), map, offset };
}

async function codeOf(
  { insns, insnsZ }: { insns?: string | null | undefined; insnsZ?: string | null | undefined },
  where: string,
): Promise<Uint8Array | undefined> {
  if (typeof insns === "string") return fromHex(insns, `${where}: "insns"`);
  return typeof insnsZ === "string" ? inflate(insnsZ, where) : undefined;
}

/** Bytes of the longest program Linux takes: a million slots. */
const MAX_CODE_BYTES = 8_000_000;

/** Base64 of zlib to bytes. */
async function inflate(text: string, where: string): Promise<Uint8Array> {
  const refuse = (what: string, cause?: unknown): never => {
    throw new VmError("BAD_CASE", `${where}: "insnsZ" ${what}`, {}, { cause });
  };
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    const packed = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
    const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
    for await (const chunk of stream as unknown as AsyncIterable<Uint8Array>) {
      chunks.push(chunk);
      size += chunk.length;
      if (size > MAX_CODE_BYTES) break;
    }
  } catch (cause) {
    refuse("must be base64 of zlib", cause);
  }
  if (size > MAX_CODE_BYTES) refuse(`is more than ${MAX_CODE_BYTES} bytes of code`);
  const code = new Uint8Array(size);
  chunks.reduce((at, chunk) => {
    code.set(chunk, at);
    return at + chunk.length;
  }, 0);
  return code;
}

/** The assembler is loaded where a case needs it: most who load a VM do not. */
async function assemble(
  { asm, name }: CaseProgram,
  maps: readonly CaseMap[],
  where: string,
): Promise<{ code: Uint8Array; references: readonly Reference[] }> {
  if (typeof asm !== "string") throw new VmError("BAD_CASE", `${where}: program ${name} needs "insns" or "asm"`);
  const { parse } = await import("@bpfkit/asm");
  const { code, references } = parse(asm, { helperId: (helper) => helperByName(helper)?.id });
  return { code, references: references.map((reference) => named(reference, maps)) };
}

/** In the text of a case a map may be an index. */
function named(reference: Reference, maps: readonly CaseMap[]): Reference {
  if (reference.kind === "extern" || !/^\d+$/.test(reference.map)) return reference;
  const index = Number(reference.map);
  return { ...reference, map: maps[index] === undefined ? reference.map : mapName(maps[index], index) };
}

/** In the slots of a case the immediate of a map's 64-bit load is the map's index. */
function indexedReferences(code: Uint8Array, maps: readonly CaseMap[]): Reference[] {
  const references: Reference[] = [];
  for (let slot = 0; slot < code.length / 8; ) {
    let row: (typeof ROWS)[number];
    try {
      row = ROWS[rowIndexAt(code, slot)]!;
    } catch {
      slot++;
      continue;
    }
    const { imm, nextImm = 0 } = decodeAt(code, slot);
    const map = maps[imm] === undefined ? `map${imm}` : mapName(maps[imm], imm);
    if (row.name === "lddwMap") references.push({ kind: "map", slot: slotIndex(slot), map });
    if (row.name === "lddwMapValue") references.push({ kind: "mapValue", slot: slotIndex(slot), map, offset: nextImm });
    slot += row.slots;
  }
  return references;
}
