import { typeById } from "./decode.js";
import { btfError } from "./error.js";
import { MAX_DEPTH, resolve, sizeOf, tooDeep } from "./lookup.js";
import type { Btf } from "./parse.js";
import type { BtfArray, BtfComposite, BtfDatasec, BtfEnum, BtfEnum64, BtfType } from "./type.js";
import { type BitRange, type BtfValue, intRange, isChar, MAX_INT_BITS, SIGNED } from "./value.js";

/** Bytes one call may make: a type can claim 4 GB. */
const MAX_BYTES = 1 << 26;

interface Encoder {
  readonly btf: Btf;
  readonly bytes: Uint8Array;
  readonly view: DataView;
}

/**
 * Writes a value of a type as its bytes (little endian); the reverse of `decodeValue`. Integers of any width may be given
 * as numbers, bigints, or decimal or 0x strings, enumerators by name or number, char arrays as text or numbers. Members
 * and elements that are left out are zero; of a union give the member meant (several are written in order).
 * @throws {BtfError} `BAD_VALUE`, saying which part, for a value that does not fit its type.
 */
export function encodeValue(btf: Btf, id: number, value: BtfValue): Uint8Array {
  const size = sizeOf(btf, id);
  if (size > MAX_BYTES) throw btfError("TOO_LARGE", `a value of type ${id} has ${size} bytes; at most ${MAX_BYTES}`);
  const bytes = new Uint8Array(size);
  encode({ btf, bytes, view: new DataView(bytes.buffer) }, id, 0, value, "value", 0);
  return bytes;
}

/** `path` names the part for an error: `value.addr[3]`. */
function encode(encoder: Encoder, id: number, at: number, value: BtfValue, path: string, depth: number): void {
  if (depth > MAX_DEPTH) throw tooDeep(id);
  const type = typeById(encoder.btf, resolve(encoder.btf, id));
  switch (type.kind) {
    case "int":
      writeBits(encoder, at, intRange(type), toInteger(value, path), signed(type), path);
      break;
    case "ptr":
      writeBits(encoder, at, { offset: 0, size: 64 }, toInteger(value, path), false, path);
      break;
    case "enum":
    case "enum64":
      writeBits(encoder, at, { offset: 0, size: type.size * 8 }, toEnum(type, value, path), type.signed, path);
      break;
    case "float":
      writeFloat(encoder, at, type.size, value, path);
      break;
    case "array":
      encodeArray(encoder, type, at, value, path, depth);
      break;
    case "struct":
    case "union":
      encodeMembers(encoder, type, at, fields(value, path), path, depth);
      break;
    case "datasec":
      encodeVariables(encoder, type, at, fields(value, path), path, depth);
      break;
    case "var":
      encode(encoder, type.type, at, value, path, depth + 1);
      break;
    default:
      throw btfError("NO_SIZE", `type ${id} (${type.kind} ${type.name}) has no values`);
  }
}

const signed = (type: BtfType): boolean => type.kind === "int" && (type.encoding & SIGNED) !== 0;

function bad(path: string, value: unknown, expected: string): Error {
  const text = typeof value === "string" ? JSON.stringify(value) : typeof value === "object" ? "an object" : `${value}`;
  return btfError("BAD_VALUE", `${path} must be ${expected}, not ${text.slice(0, 80)}`);
}

function toInteger(value: BtfValue, path: string): bigint {
  if (typeof value === "bigint") return value;
  if (typeof value === "boolean" || (typeof value === "number" && Number.isSafeInteger(value))) return BigInt(value);
  if (typeof value === "string" && /^(-?\d{1,40}|0x[0-9a-f]{1,32})$/i.test(value)) return BigInt(value);
  throw bad(path, value, "an integer");
}

function toEnum(type: BtfEnum | BtfEnum64, value: BtfValue, path: string): bigint {
  const known = type.values.find(({ name }) => name === value);
  if (known !== undefined) return BigInt(known.value);
  if (typeof value === "string" && !/^(-?\d|0x)/.test(value)) {
    throw bad(path, value, `an enumerator of enum ${type.name} or a number`);
  }
  return toInteger(value, path);
}

function writeBits(
  encoder: Encoder,
  at: number,
  { offset, size }: BitRange,
  value: bigint,
  isSigned: boolean,
  path: string,
): void {
  const first = at + (offset >>> 3);
  const end = at + Math.ceil((offset + size) / 8);
  if (size < 1 || size > MAX_INT_BITS || end > encoder.bytes.length) {
    throw btfError("DAMAGED", `${path} has ${size} bits and ends at byte ${end} of ${encoder.bytes.length}`);
  }
  const least = isSigned ? -(1n << BigInt(size - 1)) : 0n;
  const most = (1n << BigInt(isSigned ? size - 1 : size)) - 1n;
  if (value < least || value > most) throw bad(path, value, `from ${least} to ${most}`);
  const mask = ((1n << BigInt(size)) - 1n) << BigInt(offset & 7);
  const bits = BigInt.asUintN(size, value) << BigInt(offset & 7);
  for (let i = first, shift = 0n; i < end; i++, shift += 8n) {
    const keep = encoder.bytes[i]! & ~Number((mask >> shift) & 0xffn);
    encoder.bytes[i] = keep | Number((bits >> shift) & 0xffn);
  }
}

function writeFloat(encoder: Encoder, at: number, size: number, value: BtfValue, path: string): void {
  if (typeof value !== "number") throw bad(path, value, "a number");
  if (at + size > encoder.bytes.length) throw btfError("DAMAGED", `${path} ends at byte ${at + size}`);
  if (size === 4) encoder.view.setFloat32(at, value, true);
  else if (size === 8) encoder.view.setFloat64(at, value, true);
  else throw btfError("UNSUPPORTED", `${path} is a float of ${size} bytes; 4 and 8 are written`);
}

function encodeArray(encoder: Encoder, type: BtfArray, at: number, value: BtfValue, path: string, depth: number): void {
  const element = typeById(encoder.btf, resolve(encoder.btf, type.type));
  const values = typeof value === "string" && isChar(element) ? [...new TextEncoder().encode(value)] : value;
  if (!Array.isArray(values)) throw bad(path, value, isChar(element) ? "text or an array" : "an array");
  if (values.length > type.length) throw bad(path, `${values.length} elements`, `at most ${type.length} elements`);
  const stride = sizeOf(encoder.btf, type.type);
  const isSignedChar = isChar(element) && signed(element);
  values.forEach((item: BtfValue, index) => {
    const byte = typeof value === "string" && isSignedChar ? ((item as number) << 24) >> 24 : item;
    encode(encoder, type.type, at + index * stride, byte, `${path}[${index}]`, depth + 1);
  });
}

function fields(value: BtfValue, path: string): { readonly [name: string]: BtfValue } {
  if (typeof value === "object" && !Array.isArray(value)) return value as { readonly [name: string]: BtfValue };
  throw bad(path, value, "an object");
}

function encodeMembers(
  encoder: Encoder,
  type: BtfComposite,
  at: number,
  value: { readonly [name: string]: BtfValue },
  path: string,
  depth: number,
): void {
  const members = new Map([...membersOf(encoder.btf, type, 0, 0)].map((member) => [member.name, member]));
  for (const name of Object.keys(value)) {
    if (!members.has(name)) throw btfError("BAD_VALUE", `${path} has no member ${JSON.stringify(name).slice(0, 80)}`);
  }
  for (const [name, { id, bitOffset, bitSize }] of members) {
    const part = Object.hasOwn(value, name) ? value[name] : undefined;
    const where = `${path}.${name}`;
    if (part === undefined) continue;
    if (bitSize === 0) encode(encoder, id, at + (bitOffset >>> 3), part, where, depth + 1);
    else encodeBitfield(encoder, id, { offset: at * 8 + bitOffset, size: bitSize }, part, where);
  }
}

/** Members with those of unnamed structs and unions merged in, as `decodeValue` names them. */
function* membersOf(
  btf: Btf,
  type: BtfComposite,
  start: number,
  depth: number,
): Generator<{ name: string; id: number; bitOffset: number; bitSize: number }> {
  if (depth > MAX_DEPTH) throw btfError("DAMAGED", `${type.kind} ${type.name} holds itself`);
  for (const { name, type: id, bitOffset, bitSize } of type.members) {
    if (name !== "" || bitSize > 0) yield { name, id, bitOffset: start + bitOffset, bitSize };
    else {
      const inner = typeById(btf, resolve(btf, id));
      if (inner.kind === "struct" || inner.kind === "union") yield* membersOf(btf, inner, start + bitOffset, depth + 1);
    }
  }
}

function encodeBitfield(encoder: Encoder, id: number, range: BitRange, value: BtfValue, path: string): void {
  const type = typeById(encoder.btf, resolve(encoder.btf, id));
  if (type.kind === "enum" || type.kind === "enum64") {
    writeBits(encoder, 0, range, toEnum(type, value, path), type.signed, path);
  } else {
    writeBits(encoder, 0, range, toInteger(value, path), signed(type), path);
  }
}

function encodeVariables(
  encoder: Encoder,
  type: BtfDatasec,
  at: number,
  value: { readonly [name: string]: BtfValue },
  path: string,
  depth: number,
): void {
  for (const { type: id, offset } of type.variables) {
    const { name } = typeById(encoder.btf, id);
    const part = Object.hasOwn(value, name) ? value[name] : undefined;
    if (part !== undefined) encode(encoder, id, at + offset, part, `${path}.${name}`, depth + 1);
  }
}
