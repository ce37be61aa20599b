import { btfError } from "./error.js";
import { type Btf, nameAt } from "./parse.js";
import { BTF_KINDS, type BtfKind, type BtfLinkage, type BtfType } from "./type.js";

/** One record's fields before they mean anything. */
interface RawType {
  readonly view: DataView;
  /** Byte offset of what follows the shared part. */
  readonly extra: number;
  readonly name: string;
  readonly vlen: number;
  readonly flag: boolean;
  /** The third word: a size or a type id, by kind. */
  readonly word: number;
}

const LINKAGES: readonly BtfLinkage[] = ["static", "global", "extern"];

const VOID: BtfType = { kind: "void", name: "" };

/**
 * Decodes one type; each call for an id gives the same object.
 * @throws {BtfError} `NO_SUCH_TYPE` where the id is out of range, `DAMAGED` where its record makes no sense.
 */
export function typeById(btf: Btf, id: number): BtfType {
  if (id === 0) return VOID;
  const known = btf.decoded.get(id);
  if (known !== undefined) return known;
  const type = decodeType(btf, id);
  btf.decoded.set(id, type);
  return type;
}

function decodeType(btf: Btf, id: number): BtfType {
  const at = offsetOf(btf, id);
  const view = new DataView(btf.bytes.buffer, btf.bytes.byteOffset, btf.bytes.byteLength);
  const info = view.getUint32(at + 4, true);
  const record: RawType = {
    view,
    extra: at + 12,
    name: nameAt(btf, view.getUint32(at, true)),
    vlen: info & 0xffff,
    flag: info >>> 31 === 1,
    word: view.getUint32(at + 8, true),
  };
  return decodeRecord(btf, BTF_KINDS[(info >>> 24) & 0x1f]!, record);
}

/** The kind of a type, without decoding the rest. @throws {BtfError} `NO_SUCH_TYPE` where the id is out of range. */
export function kindOf(btf: Btf, id: number): BtfKind {
  return id === 0 ? "void" : BTF_KINDS[btf.bytes[offsetOf(btf, id) + 7]! & 0x1f]!;
}

function offsetOf(btf: Btf, id: number): number {
  const at = btf.offsets[id];
  if (at === undefined) throw btfError("NO_SUCH_TYPE", `no type has id ${id}; ids are 0 to ${btf.typeCount - 1}`);
  return at;
}

function decodeRecord(btf: Btf, kind: BtfKind, record: RawType): BtfType {
  const { view, extra, name, flag, word } = record;
  switch (kind) {
    case "void":
      return VOID;
    case "int": {
      const bits = view.getUint32(extra, true);
      return { kind, name, size: word, bits: bits & 0xff, offset: (bits >>> 16) & 0xff, encoding: (bits >>> 24) & 0xf };
    }
    case "array":
      return {
        kind,
        name,
        type: view.getUint32(extra, true),
        indexType: view.getUint32(extra + 4, true),
        length: view.getUint32(extra + 8, true),
      };
    case "struct":
    case "union":
      return { kind, name, size: word, members: members(btf, record), ...(flag ? { bitfields: true } : {}) };
    case "enum":
      return { kind, name, size: word, signed: flag, values: enumerators(btf, record) };
    case "enum64":
      return { kind, name, size: word, signed: flag, values: enumerators64(btf, record) };
    case "fwd":
      return { kind, name, of: flag ? "union" : "struct" };
    case "func":
      return { kind, name, type: word, linkage: linkage(record.vlen, extra - 8) };
    case "func_proto":
      return { kind, name, returns: word, params: params(btf, record) };
    case "var":
      return { kind, name, type: word, linkage: linkage(view.getUint32(extra, true), extra) };
    case "datasec":
      return { kind, name, size: word, variables: variables(record) };
    case "float":
      return { kind, name, size: word };
    case "decl_tag":
      return { kind, name, type: word, component: view.getInt32(extra, true) };
    default:
      return { kind, name, type: word };
  }
}

function linkage(value: number, at: number): BtfLinkage {
  const found = LINKAGES[value];
  if (found === undefined) throw btfError("DAMAGED", `linkage ${value} must be 0, 1 or 2`, at);
  return found;
}

/** Maps each element of `bytes` bytes behind the shared part. */
function each<T>(record: RawType, bytes: number, read: (at: number) => T): T[] {
  return Array.from({ length: record.vlen }, (_, index) => read(record.extra + index * bytes));
}

function members(btf: Btf, record: RawType): { name: string; type: number; bitOffset: number; bitSize: number }[] {
  const { view, flag } = record;
  return each(record, 12, (at) => {
    const offset = view.getUint32(at + 8, true);
    return {
      name: nameAt(btf, view.getUint32(at, true)),
      type: view.getUint32(at + 4, true),
      bitOffset: flag ? offset & 0xffffff : offset,
      bitSize: flag ? offset >>> 24 : 0,
    };
  });
}

function enumerators(btf: Btf, record: RawType): { name: string; value: number }[] {
  const { view, flag } = record;
  return each(record, 8, (at) => ({
    name: nameAt(btf, view.getUint32(at, true)),
    value: flag ? view.getInt32(at + 4, true) : view.getUint32(at + 4, true),
  }));
}

function enumerators64(btf: Btf, record: RawType): { name: string; value: bigint }[] {
  const { view, flag } = record;
  return each(record, 12, (at) => {
    const value = (BigInt(view.getUint32(at + 8, true)) << 32n) | BigInt(view.getUint32(at + 4, true));
    return { name: nameAt(btf, view.getUint32(at, true)), value: flag ? BigInt.asIntN(64, value) : value };
  });
}

function params(btf: Btf, record: RawType): { name: string; type: number }[] {
  const { view } = record;
  return each(record, 8, (at) => ({
    name: nameAt(btf, view.getUint32(at, true)),
    type: view.getUint32(at + 4, true),
  }));
}

function variables(record: RawType): { type: number; offset: number; size: number }[] {
  const { view } = record;
  return each(record, 12, (at) => ({
    type: view.getUint32(at, true),
    offset: view.getUint32(at + 4, true),
    size: view.getUint32(at + 8, true),
  }));
}
