import { kindOf, typeById } from "./decode.js";
import { btfError } from "./error.js";
import type { Btf } from "./parse.js";
import type { BtfKind, BtfLinkage, BtfModifier, BtfType } from "./type.js";

/** Links followed from one type to the next before it must be a circle (Linux `MAX_RESOLVE_DEPTH`). */
export const MAX_DEPTH = 32;

/** Bytes of a pointer on BPF. */
const POINTER_BYTES = 8;

/** Finds the first type of a name, of one kind where `kind` is given; undefined where there is none. */
export function findByName(btf: Btf, name: string, kind?: BtfKind): number | undefined {
  const wanted = new TextEncoder().encode(`${name}\0`);
  const { bytes, offsets } = btf;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let id = 1; id < btf.typeCount; id++) {
    const start = btf.stringsStart + view.getUint32(offsets[id]!, true);
    if (start + wanted.length > btf.stringsEnd || bytes[start] !== wanted[0]) continue;
    if (kind !== undefined && kindOf(btf, id) !== kind) continue;
    if (wanted.every((byte, i) => bytes[start + i] === byte)) return id;
  }
  return undefined;
}

/** The id behind typedefs, qualifiers and type tags. @throws {BtfError} `DAMAGED` for a circle. */
export function resolve(btf: Btf, id: number): number {
  for (let depth = 0, at = id; depth <= MAX_DEPTH; depth++) {
    const type = typeById(btf, at);
    if (!isModifier(type)) return at;
    at = type.type;
  }
  throw tooDeep(id);
}

const MODIFIERS: ReadonlySet<BtfKind> = new Set(["typedef", "volatile", "const", "restrict", "type_tag"]);

function isModifier(type: BtfType): type is BtfModifier {
  return MODIFIERS.has(type.kind);
}

/** The error for a chain of types that does not end. */
export function tooDeep(id: number): Error {
  return btfError("DAMAGED", `type ${id} leads through more than ${MAX_DEPTH} types; they may form a circle`);
}

/**
 * Bytes a value of a type takes.
 * @throws {BtfError} `NO_SIZE` for void, functions and structures only declared; `DAMAGED` for a circle or a size past 2^32.
 */
export function sizeOf(btf: Btf, id: number): number {
  let count = 1;
  for (let depth = 0, at = id; depth <= MAX_DEPTH; depth++) {
    const type = typeById(btf, at);
    if (type.kind === "array") count *= type.length;
    else if (!isModifier(type) && type.kind !== "var") return total(id, count, ownSize(type, id));
    at = type.type;
  }
  throw tooDeep(id);
}

function total(id: number, count: number, size: number): number {
  if (count * size < 2 ** 32) return count * size;
  throw btfError("DAMAGED", `type ${id} would take ${count * size} bytes; the most is 2^32 - 1`);
}

function ownSize(type: BtfType, id: number): number {
  if (type.kind === "ptr") return POINTER_BYTES;
  if ("size" in type) return type.size;
  const what = type.name === "" ? type.kind : `${type.kind} ${type.name}`;
  throw btfError("NO_SIZE", `type ${id} (${what}) has no size`);
}

/** A function as its BTF describes it; the ids are those of the parameters' and the result's types. */
export interface FunctionPrototype {
  readonly name: string;
  readonly linkage: BtfLinkage;
  /** 0: returns nothing. */
  readonly returns: number;
  readonly params: readonly { readonly name: string; readonly type: number }[];
  /** Whether more arguments may follow (`...`). */
  readonly variadic: boolean;
}

/**
 * What a `func` takes and returns.
 * @throws {BtfError} `WRONG_KIND` where the id is not a function's, `DAMAGED` where it has no prototype.
 */
export function functionPrototype(btf: Btf, id: number): FunctionPrototype {
  const func = typeById(btf, id);
  if (func.kind !== "func") throw btfError("WRONG_KIND", `type ${id} is a ${func.kind}, not a func`);
  const proto = typeById(btf, func.type);
  if (proto.kind !== "func_proto") {
    throw btfError("DAMAGED", `function ${func.name} has a ${proto.kind} where its func_proto should be`);
  }
  const last = proto.params.at(-1);
  const variadic = last?.type === 0 && last.name === "";
  const params = variadic ? proto.params.slice(0, -1) : proto.params;
  return { name: func.name, linkage: func.linkage, returns: proto.returns, params, variadic };
}
