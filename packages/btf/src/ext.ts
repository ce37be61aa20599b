import { BtfError } from "./error.js";
import { type Btf, stringAt } from "./parse.js";

/** Which BTF function begins at a byte of a section (`func_info`). */
export interface FunctionInfo {
  /** Byte offset in the section. */
  readonly offset: number;
  /** Id of a `func`. */
  readonly typeId: number;
}

/** A CO-RE relocation as recorded (`core_relo`, Documentation/bpf/llvm_reloc.rst); nothing here acts on it. */
export interface CoreRelocation {
  /** Byte offset in the section of the instruction to adjust. */
  readonly offset: number;
  readonly typeId: number;
  /** The access, as indices joined by colons: `0:1:2`. */
  readonly access: string;
  /** `enum bpf_core_relo_kind`. */
  readonly kind: number;
}

/** What `.BTF.ext` says of one section. */
export interface SectionInfo<T> {
  /** Offset of the section's name in the string table of `.BTF`. */
  readonly nameOffset: number;
  readonly records: T;
}

/** A parsed `.BTF.ext`. Sections come in the order of the file; a name may come more than once. */
export interface BtfExt {
  readonly functions: readonly SectionInfo<readonly FunctionInfo[]>[];
  /**
   * Four words a row, in the order of the file: byte offset in the section, offset of the file name and of the line's
   * text in the string table, line << 10 | column.
   */
  readonly lines: readonly SectionInfo<Uint32Array>[];
  /** Four words a row: byte offset, type id, offset of the access string, kind. See `coreRelocations`. */
  readonly coreRelocations: readonly SectionInfo<Uint32Array>[];
}

const HEADER_BYTES = 24;

function fail(code: "NOT_BTF" | "UNSUPPORTED" | "DAMAGED", what: string, offset: number): BtfError {
  return new BtfError(code, what, { section: ".BTF.ext", offset });
}

/**
 * Reads a `.BTF.ext` section (little endian) in time linear in its bytes.
 * @throws {BtfError} `NOT_BTF`, `UNSUPPORTED` or `DAMAGED`.
 */
export function parseBtfExt(bytes: Uint8Array): BtfExt {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const headerLength = checkHeader(view);
  const rows = (at: number, words: number): SectionInfo<Uint32Array>[] => {
    // Objects from before CO-RE have a header without its two words.
    if (at + 8 > headerLength) return [];
    return readSections(view, headerLength + view.getUint32(at, true), view.getUint32(at + 4, true), words);
  };
  return {
    functions: rows(8, 2).map(({ nameOffset, records }) => ({ nameOffset, records: functionRows(records) })),
    lines: rows(16, 4),
    coreRelocations: rows(24, 4),
  };
}

function checkHeader(view: DataView): number {
  const magic = view.byteLength >= 2 ? view.getUint16(0, true) : 0;
  if (magic === 0x9feb) throw fail("UNSUPPORTED", "big-endian BTF; only little-endian BTF is read", 0);
  if (magic !== 0xeb9f) throw fail("NOT_BTF", "not BTF: the first two bytes must be 9f eb", 0);
  if (view.byteLength < HEADER_BYTES) {
    throw fail("DAMAGED", `${view.byteLength} bytes are less than a BTF.ext header (${HEADER_BYTES})`, 0);
  }
  if (view.getUint8(2) !== 1) throw fail("UNSUPPORTED", `BTF.ext version ${view.getUint8(2)}; only 1 is known`, 2);
  const headerLength = view.getUint32(4, true);
  if (headerLength < HEADER_BYTES || headerLength > view.byteLength) {
    throw fail("DAMAGED", `the header length ${headerLength} must be ${HEADER_BYTES} to ${view.byteLength}`, 4);
  }
  return headerLength;
}

/** One kind of information: a record size, then for each section its name, a count and the records. */
function readSections(view: DataView, start: number, length: number, words: number): SectionInfo<Uint32Array>[] {
  if (length === 0) return [];
  const end = start + length;
  if (end > view.byteLength || length < 4) {
    throw fail("DAMAGED", `information of ${length} bytes at ${start} does not fit ${view.byteLength}`, start);
  }
  const recordSize = view.getUint32(start, true);
  if (recordSize < words * 4 || recordSize % 4 !== 0) {
    throw fail("UNSUPPORTED", `records of ${recordSize} bytes; ${words * 4} or more, in steps of 4, are read`, start);
  }
  const sections: SectionInfo<Uint32Array>[] = [];
  for (let at = start + 4; at < end; ) {
    if (at + 8 > end) throw fail("DAMAGED", "a section's information is cut off", at);
    const count = view.getUint32(at + 4, true);
    const next = at + 8 + count * recordSize;
    if (next > end) throw fail("DAMAGED", `${count} records of ${recordSize} bytes do not fit`, at);
    sections.push({ nameOffset: view.getUint32(at, true), records: readRows(view, at + 8, count, recordSize, words) });
    at = next;
  }
  return sections;
}

function readRows(view: DataView, start: number, count: number, recordSize: number, words: number): Uint32Array {
  const rows = new Uint32Array(count * words);
  for (let i = 0, at = start; i < rows.length; i += words, at += recordSize) {
    for (let word = 0; word < words; word++) rows[i + word] = view.getUint32(at + word * 4, true);
  }
  return rows;
}

function functionRows(rows: Uint32Array): FunctionInfo[] {
  return Array.from({ length: rows.length / 2 }, (_, i) => ({ offset: rows[i * 2]!, typeId: rows[i * 2 + 1]! }));
}

/** The CO-RE relocations of the sections of a name. @throws {BtfError} `DAMAGED` where a string is out of range. */
export function coreRelocations(btf: Btf, ext: BtfExt, section: string): CoreRelocation[] {
  return ext.coreRelocations
    .filter(({ nameOffset }) => stringAt(btf, nameOffset) === section)
    .flatMap(({ records }) =>
      Array.from({ length: records.length / 4 }, (_, i) => ({
        offset: records[i * 4]!,
        typeId: records[i * 4 + 1]!,
        access: stringAt(btf, records[i * 4 + 2]!),
        kind: records[i * 4 + 3]!,
      })),
    );
}
