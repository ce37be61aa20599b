import { btfError } from "./error.js";
import { BTF_KINDS, type BtfKind, type BtfType } from "./type.js";

/** Parsed BTF: the bytes and where each type lies in them. Types are decoded when asked for. */
export interface Btf {
  /** The `.BTF` section. */
  readonly bytes: Uint8Array;
  /** Types, `void` (id 0) included; ids are 0 to `typeCount` − 1. */
  readonly typeCount: number;
  /** Byte offset in `bytes` of each type's record; that of `void` means nothing. */
  readonly offsets: Uint32Array;
  /** Byte offset in `bytes` of the string table. */
  readonly stringsStart: number;
  /** Byte offset in `bytes` behind the string table. */
  readonly stringsEnd: number;
  /** Types decoded so far, by id: most are asked for again and again. */
  readonly decoded: Map<number, BtfType>;
}

const MAGIC = 0xeb9f;
const HEADER_BYTES = 24;
/** Bytes of the part all kinds share. */
const TYPE_BYTES = 12;

/** Bytes behind the shared part: fixed, and for each of the `vlen` elements. */
const EXTRA: { readonly [kind in BtfKind]: { readonly fixed: number; readonly each: number } } = {
  void: { fixed: 0, each: 0 },
  int: { fixed: 4, each: 0 },
  ptr: { fixed: 0, each: 0 },
  array: { fixed: 12, each: 0 },
  struct: { fixed: 0, each: 12 },
  union: { fixed: 0, each: 12 },
  enum: { fixed: 0, each: 8 },
  fwd: { fixed: 0, each: 0 },
  typedef: { fixed: 0, each: 0 },
  volatile: { fixed: 0, each: 0 },
  const: { fixed: 0, each: 0 },
  restrict: { fixed: 0, each: 0 },
  func: { fixed: 0, each: 0 },
  func_proto: { fixed: 0, each: 8 },
  var: { fixed: 4, each: 0 },
  datasec: { fixed: 0, each: 12 },
  float: { fixed: 0, each: 0 },
  decl_tag: { fixed: 4, each: 0 },
  type_tag: { fixed: 0, each: 0 },
  enum64: { fixed: 0, each: 12 },
};

/**
 * Reads a `.BTF` section (little endian, all kinds up to ENUM64): checks the header and the size of every record, in time
 * linear in the bytes. What the records say is checked when `typeById` decodes them.
 * @throws {BtfError} `NOT_BTF`, `UNSUPPORTED` or `DAMAGED`.
 */
export function parseBtf(section: Uint8Array): Btf {
  const view = new DataView(section.buffer, section.byteOffset, section.byteLength);
  // A Node Buffer is a Uint8Array whose slice does not copy; from here on there are none.
  const bytes = new Uint8Array(section.buffer, section.byteOffset, section.byteLength);
  const headerLength = checkHeader(view);
  const part = (name: string, at: number): { start: number; end: number } => {
    const start = headerLength + view.getUint32(at, true);
    const end = start + view.getUint32(at + 4, true);
    if (end > bytes.length) throw btfError("DAMAGED", `the ${name} end at byte ${end} of ${bytes.length}`, at);
    return { start, end };
  };
  const types = part("types", 8);
  const strings = part("strings", 16);
  if (strings.end === strings.start || bytes[strings.start] !== 0 || bytes[strings.end - 1] !== 0) {
    throw btfError("DAMAGED", "the string table must begin and end with a zero byte", strings.start);
  }
  const offsets = indexTypes(view, types.start, types.end);
  return {
    bytes,
    typeCount: offsets.length,
    offsets,
    stringsStart: strings.start,
    stringsEnd: strings.end,
    decoded: new Map(),
  };
}

/** Returns the header's length in bytes. */
function checkHeader(view: DataView): number {
  const magic = view.byteLength >= 2 ? view.getUint16(0, true) : 0;
  if (magic === 0x9feb) throw btfError("UNSUPPORTED", "big-endian BTF; only little-endian BTF is read", 0);
  if (magic !== MAGIC) throw btfError("NOT_BTF", "not BTF: the first two bytes must be 9f eb", 0);
  if (view.byteLength < HEADER_BYTES) {
    throw btfError("DAMAGED", `${view.byteLength} bytes are less than a BTF header (${HEADER_BYTES})`, 0);
  }
  const version = view.getUint8(2);
  if (version !== 1) throw btfError("UNSUPPORTED", `BTF version ${version}; only version 1 is known`, 2);
  const headerLength = view.getUint32(4, true);
  if (headerLength < HEADER_BYTES || headerLength > view.byteLength) {
    throw btfError("DAMAGED", `the header length ${headerLength} must be ${HEADER_BYTES} to ${view.byteLength}`, 4);
  }
  return headerLength;
}

/** Byte offsets of all type records, id 0 first. */
function indexTypes(view: DataView, start: number, end: number): Uint32Array {
  const offsets = new Uint32Array(1 + Math.floor((end - start) / TYPE_BYTES));
  let count = 1;
  for (let at = start; at < end; ) {
    const next = at + (end - at < TYPE_BYTES ? TYPE_BYTES : recordBytes(view, at));
    if (next > end) throw btfError("DAMAGED", `type ${count} ends at byte ${next}, behind the types' end ${end}`, at);
    offsets[count++] = at;
    at = next;
  }
  return offsets.slice(0, count);
}

function recordBytes(view: DataView, at: number): number {
  const info = view.getUint32(at + 4, true);
  const kind = BTF_KINDS[(info >>> 24) & 0x1f];
  if (kind === undefined || kind === "void") {
    throw btfError("DAMAGED", `kind ${(info >>> 24) & 0x1f} is not a BTF kind (1 to ${BTF_KINDS.length - 1})`, at);
  }
  const { fixed, each } = EXTRA[kind];
  return TYPE_BYTES + fixed + each * (info & 0xffff);
}

const decoder = new TextDecoder();

/** Bytes a name may have (Linux `KSYM_NAME_LEN` with its zero byte); source lines may be longer. */
const MAX_NAME_BYTES = 511;

/**
 * The string at an offset of the string table, as `.BTF.ext` and type records give them.
 * @throws {BtfError} `DAMAGED` where the offset is outside the table.
 */
export function stringAt(btf: Btf, offset: number): string {
  if (offset === 0) return "";
  const start = btf.stringsStart + offset;
  if (start >= btf.stringsEnd) {
    throw btfError("DAMAGED", `string offset ${offset} is outside the table of ${btf.stringsEnd - btf.stringsStart}`);
  }
  return decoder.decode(btf.bytes.subarray(start, btf.bytes.indexOf(0, start)));
}

/** A type's or member's name. @throws {BtfError} `DAMAGED` where it is outside the table or longer than the kernel takes. */
export function nameAt(btf: Btf, offset: number): string {
  const start = btf.stringsStart + offset;
  if (start < btf.stringsEnd && btf.bytes.indexOf(0, start) - start > MAX_NAME_BYTES) {
    throw btfError("DAMAGED", `the name at string offset ${offset} is longer than ${MAX_NAME_BYTES} bytes`, start);
  }
  return stringAt(btf, offset);
}
