import { typeById } from "./decode.js";
import { btfError } from "./error.js";
import { MAX_DEPTH, resolve, sizeOf, tooDeep } from "./lookup.js";
import type { Btf } from "./parse.js";
import type { BtfArray, BtfComposite, BtfDatasec, BtfInt, BtfType } from "./type.js";
import { type BitRange, BOOL, type BtfValue, intRange, isChar, MAX_INT_BITS, SIGNED } from "./value.js";

/** Values one result may hold beyond a multiple of the bytes: types of size 0 can repeat without end. */
const SPARE_VALUES = 1 << 20;

interface Decoder {
  readonly btf: Btf;
  readonly bytes: Uint8Array;
  readonly view: DataView;
  valuesLeft: number;
}

/**
 * Reads a value of a type from its bytes (little endian): see `BtfValue` for the forms. Members of structs without a name
 * are merged into the outer one, as C's dot does; every member of a union is read from the same bytes.
 * @throws {BtfError} `BAD_VALUE` unless `bytes` has the type's size, `NO_SIZE` where the type has none, `TOO_LARGE` where
 *   the value would hold more parts than its bytes can.
 */
export function decodeValue(btf: Btf, id: number, bytes: Uint8Array): BtfValue {
  const size = sizeOf(btf, id);
  if (bytes.length !== size) {
    throw btfError("BAD_VALUE", `a value of type ${id} has ${size} bytes, not ${bytes.length}`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return decode({ btf, bytes, view, valuesLeft: SPARE_VALUES + 8 * size }, id, 0, 0);
}

function decode(decoder: Decoder, id: number, at: number, depth: number): BtfValue {
  if (depth > MAX_DEPTH) throw tooDeep(id);
  if (--decoder.valuesLeft < 0) throw btfError("TOO_LARGE", `a value of type ${id} has too many parts for its bytes`);
  const type = typeOf(decoder, id);
  switch (type.kind) {
    case "int":
      return decodeInt(decoder, type, at);
    case "ptr":
      return readBits(decoder, at, { offset: 0, size: 64 }, false);
    case "enum":
    case "enum64":
      return named(type.values, readBits(decoder, at, { offset: 0, size: type.size * 8 }, type.signed));
    case "float":
      return decodeFloat(decoder, at, type.size);
    case "array":
      return decodeArray(decoder, type, at, depth);
    case "struct":
    case "union":
      return Object.fromEntries(decodeMembers(decoder, type, at * 8, depth));
    case "datasec":
      return Object.fromEntries(decodeVariables(decoder, type, at, depth));
    case "var":
      return decode(decoder, type.type, at, depth + 1);
    default:
      throw btfError("NO_SIZE", `type ${id} (${type.kind} ${type.name}) has no values`);
  }
}

function typeOf(decoder: Decoder, id: number): BtfType {
  return typeById(decoder.btf, resolve(decoder.btf, id));
}

function decodeInt(decoder: Decoder, type: BtfInt, at: number): BtfValue {
  return asBool(type, readBits(decoder, at, intRange(type), (type.encoding & SIGNED) !== 0));
}

function asBool(type: BtfInt, value: number | bigint): BtfValue {
  return (type.encoding & BOOL) !== 0 && (value === 0 || value === 1) ? value === 1 : value;
}

/** An enumerator's name, or the number where none has it. */
function named(values: readonly { name: string; value: number | bigint }[], value: number | bigint): BtfValue {
  return values.find((enumerator) => BigInt(enumerator.value) === BigInt(value))?.name ?? value;
}

/** An integer of any width; a number up to 32 bits, else a bigint. */
function readBits(decoder: Decoder, at: number, { offset, size }: BitRange, signed: boolean): number | bigint {
  const first = at + (offset >>> 3);
  const end = at + Math.ceil((offset + size) / 8);
  if (size > MAX_INT_BITS || end > decoder.bytes.length) {
    throw btfError("DAMAGED", `a value of ${size} bits ends at byte ${end} of ${decoder.bytes.length}`);
  }
  if (offset === 0 && size === 32) return signed ? decoder.view.getInt32(at, true) : decoder.view.getUint32(at, true);
  let value = 0n;
  for (let i = end - 1; i >= first; i--) value = (value << 8n) | BigInt(decoder.bytes[i]!);
  value = BigInt.asUintN(size, value >> BigInt(offset & 7));
  if (signed) value = BigInt.asIntN(size, value);
  return size <= 32 ? Number(value) : value;
}

function decodeFloat(decoder: Decoder, at: number, size: number): number {
  if (at + size > decoder.bytes.length) throw btfError("DAMAGED", `a float ends at byte ${at + size}`);
  if (size === 4) return decoder.view.getFloat32(at, true);
  if (size === 8) return decoder.view.getFloat64(at, true);
  throw btfError("UNSUPPORTED", `a float of ${size} bytes; 4 and 8 are read`);
}

function decodeArray(decoder: Decoder, type: BtfArray, at: number, depth: number): BtfValue {
  const element = typeOf(decoder, type.type);
  if (isChar(element)) {
    const text = decodeText(decoder.bytes.subarray(at, at + type.length));
    if (text !== undefined) return text;
  }
  const stride = sizeOf(decoder.btf, type.type);
  const values: BtfValue[] = [];
  for (let i = 0; i < type.length; i++) values.push(decode(decoder, type.type, at + i * stride, depth + 1));
  return values;
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The text of a char array: UTF-8, ended by zero bytes up to the array's end; undefined where it is not that. */
function decodeText(bytes: Uint8Array): string | undefined {
  const end = bytes.indexOf(0);
  if (end < 0 || bytes.subarray(end).some((byte) => byte !== 0)) return undefined;
  try {
    return utf8.decode(bytes.subarray(0, end));
  } catch {
    return undefined;
  }
}

function* decodeMembers(
  decoder: Decoder,
  type: BtfComposite,
  start: number,
  depth: number,
): Generator<[string, BtfValue]> {
  for (const { name, type: id, bitOffset, bitSize } of type.members) {
    const at = start + bitOffset;
    if (bitSize > 0) yield [name, decodeBitfield(decoder, id, { offset: at, size: bitSize })];
    else if (name !== "") yield [name, decode(decoder, id, at >>> 3, depth + 1)];
    else yield* decodeUnnamed(decoder, id, at, depth + 1);
  }
}

function* decodeUnnamed(decoder: Decoder, id: number, start: number, depth: number): Generator<[string, BtfValue]> {
  if (depth > MAX_DEPTH) throw tooDeep(id);
  const type = typeOf(decoder, id);
  if (type.kind === "struct" || type.kind === "union") yield* decodeMembers(decoder, type, start, depth);
}

function decodeBitfield(decoder: Decoder, id: number, range: BitRange): BtfValue {
  const type = typeOf(decoder, id);
  if (type.kind === "enum" || type.kind === "enum64") {
    return named(type.values, readBits(decoder, 0, range, type.signed));
  }
  if (type.kind !== "int") throw btfError("DAMAGED", `a bit field of type ${id} (${type.kind})`);
  return asBool(type, readBits(decoder, 0, range, (type.encoding & SIGNED) !== 0));
}

function* decodeVariables(
  decoder: Decoder,
  type: BtfDatasec,
  start: number,
  depth: number,
): Generator<[string, BtfValue]> {
  for (const { type: id, offset } of type.variables) {
    const { name } = typeOf(decoder, id);
    yield [name, decode(decoder, id, start + offset, depth + 1)];
  }
}
