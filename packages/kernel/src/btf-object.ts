import { attributes, LAYOUTS } from "./attributes.js";
import { COMMANDS, refusal, tryCommand } from "./command.js";

const HEADER_BYTES = 24;
/** BTF kinds that the kernel takes in another shape than compilers write them (Documentation/bpf/btf.rst). */
const KIND = { int: 1, struct: 4, typedef: 8, function: 12, variable: 14, section: 15 } as const;
const EXTERN = 2;

/** Words behind `struct btf_type` by kind, as a function of `vlen`. Undefined for a kind that is not known. */
const EXTRA_WORDS: readonly ((count: number) => number)[] = [
  () => 0, // void
  () => 1, // int
  () => 0, // pointer
  () => 3, // array
  (n) => 3 * n, // struct
  (n) => 3 * n, // union
  (n) => 2 * n, // enum
  () => 0, // forward
  () => 0, // typedef
  () => 0, // volatile
  () => 0, // const
  () => 0, // restrict
  () => 0, // function
  (n) => 2 * n, // prototype
  () => 1, // variable
  (n) => 3 * n, // section
  () => 0, // float
  () => 1, // declaration tag
  () => 0, // type tag
  (n) => 3 * n, // enum64
];

/**
 * A copy of a `.BTF` section that `BPF_BTF_LOAD` takes. Compilers leave sizes and offsets of data sections to the loader,
 * and describe functions outside the object; neither is needed with a program. As libbpf does for kernels that know fewer
 * kinds: a variable becomes a byte, a data section a struct of bytes, an extern function a typedef. Type ids stay.
 */
export function loadableBtf(types: Uint8Array): Uint8Array {
  const copy = Uint8Array.from(types);
  if (copy.length < HEADER_BYTES) return copy;
  const view = new DataView(copy.buffer);
  const start = view.getUint32(4, true) + view.getUint32(8, true);
  const end = Math.min(start + view.getUint32(12, true), copy.length);
  const records = typeRecords(view, start, end);
  const byteType = records.findIndex(({ kind }) => kind === KIND.variable || kind === KIND.int) + 1;
  for (const { kind, count, offset } of records) {
    const info = offset + 4;
    if (kind === KIND.variable) setByte(view, offset);
    else if (kind === KIND.section) setStructOfBytes(view, offset, count, byteType);
    else if (kind === KIND.function && count === EXTERN) view.setUint32(info, KIND.typedef << 24, true);
  }
  return copy;
}

interface TypeRecord {
  readonly kind: number;
  readonly count: number;
  readonly offset: number;
}

function typeRecords(view: DataView, start: number, end: number): TypeRecord[] {
  const records: TypeRecord[] = [];
  for (let offset = start; offset + 12 <= end; ) {
    const info = view.getUint32(offset + 4, true);
    const kind = (info >>> 24) & 0x1f;
    const count = info & 0xffff;
    const words = EXTRA_WORDS[kind]?.(count);
    // An unknown or cut-off record: the kernel will say what is wrong with it.
    if (words === undefined || offset + 12 + 4 * words > end) break;
    records.push({ kind, count, offset });
    offset += 12 + 4 * words;
  }
  return records;
}

function setByte(view: DataView, offset: number): void {
  view.setUint32(offset + 4, KIND.int << 24, true);
  view.setUint32(offset + 8, 1, true);
  view.setUint32(offset + 12, 8, true);
}

function setStructOfBytes(view: DataView, offset: number, count: number, byteType: number): void {
  view.setUint32(offset, 0, true);
  view.setUint32(offset + 4, ((KIND.struct << 24) | count) >>> 0, true);
  view.setUint32(offset + 8, Math.max(1, 8 * count), true);
  for (let i = 0; i < count; i++) {
    const member = offset + 12 + 12 * i;
    view.setUint32(member, 0, true);
    view.setUint32(member + 4, byteType, true);
    // In bits; 8 bytes apart, so that any integer fits.
    view.setUint32(member + 8, 64 * i, true);
  }
}

/** Loads BTF and returns its descriptor. @throws {KernelError} with the last line of the kernel's log. */
export function loadBtf(types: Uint8Array): number {
  const values = { btf: types, size: types.byteLength };
  const descriptor = tryCommand(COMMANDS.btfLoad, attributes(LAYOUTS.btfLoad, values));
  if (descriptor >= 0) return descriptor;
  const log = new Uint8Array(2 ** 16);
  const withLog = { ...values, log, logSize: log.length, logLevel: 1 };
  const again = tryCommand(COMMANDS.btfLoad, attributes(LAYOUTS.btfLoad, withLog));
  if (again >= 0) return again;
  const text = new TextDecoder().decode(log.subarray(0, Math.max(0, log.indexOf(0)))).trim();
  throw refusal(descriptor, `BTF of ${types.length} bytes (${text.split("\n").at(-1)})`);
}
