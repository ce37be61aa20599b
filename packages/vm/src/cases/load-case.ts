import { ATTACH_TYPES, helperByName } from "@bpfkit/abi";
import { type FunctionSignature, functionBtf } from "@bpfkit/btf";
import type { MapSpec, Program, Reference } from "@bpfkit/core";
import { SLOT_BYTES, slotIndex } from "@bpfkit/core";
import { WIDE_OPCODE } from "@bpfkit/isa";
import type { MapField } from "@bpfkit/verifier";
import { type CodeFacts, programFromCode, rowNameAt } from "../code.js";
import { VmError } from "../error.js";
import { fromHex } from "../hex.js";
import type { CaseFunction, CaseMap, CaseProgram, SingleCase } from "./case.js";

const BPF_F_RDONLY_PROG = 1 << 7;

/** A case's map as a spec: named by itself or by its place. What programs may only read is frozen, as loaders do. */
export function mapSpecOf(map: CaseMap, index: number): MapSpec {
  const { type, keySize, valueSize, maxEntries, flags = 0, inner } = map;
  const contents = hasContents(map) ? fromHex(map.init!, `"init" of map ${mapName(map, index)}`) : undefined;
  const frozen = map.frozen ?? ((flags & BPF_F_RDONLY_PROG) !== 0 && contents !== undefined ? true : undefined);
  return {
    name: mapName(map, index),
    ...{ type, keySize, valueSize, maxEntries, flags },
    ...(contents === undefined ? {} : { contents }),
    ...(frozen === undefined ? {} : { frozen }),
    ...(inner === undefined
      ? {}
      : { inner: { ...inner, name: `${mapName(map, index)}.inner`, flags: inner.flags ?? 0 } }),
  };
}

/** Whether a map's `init` can be there from the start, as global data is, also where the map is frozen then. */
export function hasContents({ type, init }: CaseMap): boolean {
  return init !== undefined && type === "array";
}

/** The special fields of a map's value, by the C types its `btf` says. */
export function fieldsOf({ btf }: CaseMap): MapField[] {
  return (btf?.fields ?? []).flatMap(({ type, offset }): MapField[] => {
    if (type.includes("bpf_spin_lock")) return [{ kind: "spin_lock", offset, size: 4 }];
    if (type.includes("bpf_timer")) return [{ kind: "timer", offset, size: 16 }];
    const [, struct, tag] = /struct (\w+) __(kptr\w*)/.exec(type) ?? [];
    if (struct === undefined) return [];
    // No structure a case points to is larger than this; the file does not give sizes.
    return [{ kind: tag === "kptr" ? "kptr" : "kptr_untrusted", offset, size: 8, struct, structSize: 32 }];
  });
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
    // Recorded programs were loaded as GPL unless they say otherwise.
    license: license ?? "GPL",
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
    ...(btfFuncs.length === 0 ? {} : { btf: functionBtf(btfFuncs.map(signatureOf), program.type) }),
  });
}

function signatureOf({
  off,
  name,
  linkage = "static",
  args = [],
  ret = "int",
}: NonNullable<CaseProgram["btfFuncs"]>[number]): FunctionSignature {
  return { slot: off, name, linkage, args, ret };
}

/** Makes the program of a case that is one program: `mapRefs` says which slot names which map. */
export async function singleProgramOf(single: SingleCase): Promise<Program> {
  const { id, mapRefs, maps } = single;
  const code = await codeOf(single, id);
  if (code === undefined) throw new VmError("BAD_CASE", `${id}: needs "insns" or "insnsZ"`);
  const view = new DataView(code.buffer, code.byteOffset, code.byteLength);
  const references = Object.entries(mapRefs).flatMap(([slot, index]) => {
    if (maps[index] === undefined) throw new VmError("BAD_CASE", `${id}: mapRefs: there is no map ${index}`);
    return referenceAt(view, Number(slot), maps[index], maps) ?? [];
  });
  const callbacks = callbackFunctions(code);
  return programFromCode(code, {
    name: "main",
    ...(callbacks.length === 0 ? {} : { btf: functionBtf(callbacks.map(signatureOf), single.type) }),
    ...loadFacts(single),
    ...(single.attachTo === undefined ? {} : { attachTo: single.attachTo }),
    references: references.sort((one, other) => one.slot - other.slot),
  });
}

/** Programs that load a function's address were recorded with function info that the file does not repeat. */
function callbackFunctions(code: Uint8Array): CaseFunction[] {
  const slots = Array.from({ length: code.length / 8 }, (_, slot) => slot);
  if (!slots.some((slot) => rowNameAt(code, slot) === "lddwCode")) return [];
  const { subprograms } = programFromCode(code, { name: "main", type: "raw" });
  return subprograms.map(({ name, start }) =>
    start === 0 ? { name, off: 0 } : { name, off: start, linkage: "static", args: ["int"] },
  );
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
  const view = new DataView(code.buffer, code.byteOffset, code.byteLength);
  const references: Reference[] = [];
  for (let slot = 0; slot + 1 < code.length / 8; slot++) {
    if (code[slot * 8] !== WIDE_OPCODE) continue;
    const reference = referenceAt(view, slot, maps[view.getInt32(slot * 8 + 4, true)], maps);
    if (reference !== undefined) references.push(reference);
    slot++;
  }
  return references;
}

/** What a 64-bit load of a map refers to; also of one with a wrong field, which is for a verifier to say. */
function referenceAt(
  view: DataView,
  slot: number,
  map: CaseMap | undefined,
  maps: readonly CaseMap[],
): Reference | undefined {
  if ((slot + 2) * SLOT_BYTES > view.byteLength) return undefined;
  const kind = view.getUint8(slot * 8 + 1) >>> 4;
  if (map === undefined || (kind !== 1 && kind !== 2)) return undefined;
  const named = { slot: slotIndex(slot), map: mapName(map, maps.indexOf(map)) };
  return kind === 1
    ? { kind: "map", ...named }
    : { kind: "mapValue", ...named, offset: view.getUint32(slot * 8 + 12, true) };
}
