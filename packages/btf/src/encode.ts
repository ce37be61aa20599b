import { btfError } from "./error.js";
import { BTF_KINDS, type BtfComposite, type BtfLinkage, type BtfMember, type BtfType } from "./type.js";

/** A record counts its parts in 16 bits (`BTF_MAX_VLEN`). */
const MAX_VLEN = 0xffff;

/** A string table that keeps each string once. */
class Strings {
  readonly chunks: Uint8Array[] = [new Uint8Array(1)];
  size = 1;
  readonly #offsets = new Map<string, number>([["", 0]]);

  offset(text: string): number {
    const known = this.#offsets.get(text);
    if (known !== undefined) return known;
    if (text.includes("\0")) throw btfError("BAD_VALUE", `the name ${JSON.stringify(text)} must not hold a zero byte`);
    const chunk = new TextEncoder().encode(`${text}\0`);
    this.chunks.push(chunk);
    this.#offsets.set(text, this.size);
    this.size += chunk.length;
    return this.size - chunk.length;
  }
}

/**
 * Writes a `.BTF` section (little endian) that holds `types` with the ids 1, 2, … in order.
 * `typeById` of the result gives the same types back.
 * @throws {BtfError} `BAD_VALUE` for a type that has no wire form.
 */
export function encodeBtf(types: readonly BtfType[]): Uint8Array {
  const strings = new Strings();
  const words = types.flatMap((type) => encodeType(strings, type));
  const bytes = new Uint8Array(24 + words.length * 4 + strings.size);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, 0xeb9f, true);
  view.setUint8(2, 1);
  [24, 0, words.length * 4, words.length * 4, strings.size].forEach((word, i) => {
    view.setUint32(4 + i * 4, word, true);
  });
  words.forEach((word, i) => {
    view.setUint32(24 + i * 4, u32(word), true);
  });
  let at = 24 + words.length * 4;
  for (const chunk of strings.chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}

const linkageNumber = (linkage: BtfLinkage): number => ["static", "global", "extern"].indexOf(linkage);

/** The words of one record: name, info, size or type, then what the kind adds. */
function encodeType(strings: Strings, type: BtfType): number[] {
  const name = strings.offset(type.name);
  const record = (vlen: number, flag: boolean, word: number, extra: readonly number[] = []): number[] => {
    if (vlen > MAX_VLEN) throw btfError("BAD_VALUE", `type "${type.name}" has ${vlen} parts; at most ${MAX_VLEN} fit`);
    return [name, (flag ? 0x80000000 : 0) + BTF_KINDS.indexOf(type.kind) * 0x1000000 + vlen, word, ...extra];
  };
  switch (type.kind) {
    case "void":
      throw btfError("BAD_VALUE", "void has id 0 and no record");
    case "int":
      return record(0, false, type.size, [type.encoding * 0x1000000 + type.offset * 0x10000 + type.bits]);
    case "array":
      return record(0, false, 0, [type.type, type.indexType, type.length]);
    case "struct":
    case "union":
      return record(
        type.members.length,
        type.bitfields === true,
        type.size,
        type.members.flatMap((member) => [strings.offset(member.name), member.type, placeOf(type, member)]),
      );
    case "enum":
      return record(
        type.values.length,
        type.signed,
        type.size,
        type.values.flatMap(({ name, value }) => [strings.offset(name), value]),
      );
    case "enum64":
      return record(
        type.values.length,
        type.signed,
        type.size,
        type.values.flatMap(({ name, value }) => [strings.offset(name), low(value), low(value >> 32n)]),
      );
    case "fwd":
      return record(0, type.of === "union", 0);
    case "func":
      return record(linkageNumber(type.linkage), false, type.type);
    case "func_proto":
      return record(
        type.params.length,
        false,
        type.returns,
        type.params.flatMap((param) => [strings.offset(param.name), param.type]),
      );
    case "var":
      return record(0, false, type.type, [linkageNumber(type.linkage)]);
    case "datasec":
      return record(
        type.variables.length,
        false,
        type.size,
        type.variables.flatMap((variable) => [variable.type, variable.offset, variable.size]),
      );
    case "float":
      return record(0, false, type.size);
    case "decl_tag":
      return record(0, false, type.type, [type.component]);
    default:
      return record(0, false, type.type);
  }
}

/** The offset word of a member: with bit fields, their size is in its upper 8 bits. */
function placeOf(type: BtfComposite, { name, bitOffset, bitSize }: BtfMember): number {
  if (type.bitfields !== true && bitSize === 0) return bitOffset;
  if (type.bitfields === true && bitSize < 0x100 && bitOffset < 0x1000000) return bitSize * 0x1000000 + bitOffset;
  throw btfError("BAD_VALUE", `member ${name} of ${type.kind} ${type.name} has no wire form (${bitOffset}:${bitSize})`);
}

function u32(word: number): number {
  if (Number.isInteger(word) && word >= -(2 ** 31) && word < 2 ** 32) return word;
  throw btfError("BAD_VALUE", `${word} does not fit 32 bits`);
}

const low = (value: bigint): number => Number(BigInt.asUintN(32, value));
