import { typeById } from "./decode.js";
import { type Btf, parseBtf } from "./parse.js";

/** Where a section's variables lie; undefined answers leave what the BTF says. */
export interface DataLayout {
  /** Bytes of the section. */
  size(section: string): number | undefined;
  /** Byte offset of a variable in its section. */
  offset(section: string, variable: string): number | undefined;
  /** Whether a function or variable that the BTF calls global is hidden, so that the kernel takes it as static. */
  hidden(name: string): boolean;
}

/** Byte offsets within a record: of `info`, of the size word, of the first variable or a variable's linkage. */
const INFO = 4;
const SIZE = 8;
const FIRST = 12;

/**
 * Completes the BTF of an object with what its symbol table knows, as libbpf does before it loads BTF: compilers leave
 * the sizes of data sections and the offsets of their variables 0, and call what is hidden global.
 * Returns new BTF; the one given stays as it is.
 */
export function fillDataSections(btf: Btf, layout: DataLayout): Btf {
  const bytes = btf.bytes.slice();
  const view = new DataView(bytes.buffer);
  for (let id = 1; id < btf.typeCount; id++) {
    const at = btf.offsets[id]!;
    const kind = bytes[at + 7]! & 0x1f;
    if (kind === DATASEC) fillSection(btf, layout, view, id, at);
    else if (kind === FUNC || kind === VAR) hide(btf, layout, view, id, at);
  }
  return parseBtf(bytes);
}

const FUNC = 12;
const VAR = 14;
const DATASEC = 15;

function fillSection(btf: Btf, layout: DataLayout, view: DataView, id: number, at: number): void {
  const section = typeById(btf, id);
  if (section.kind !== "datasec") return;
  const size = layout.size(section.name);
  if (size === undefined) return;
  view.setUint32(at + SIZE, size, true);
  const rows = section.variables.map(({ type, offset, size }) => {
    return [type, layout.offset(section.name, typeById(btf, type).name) ?? offset, size] as const;
  });
  // The kernel wants them by offset.
  rows.sort((a, b) => a[1] - b[1]);
  rows.flat().forEach((word, i) => {
    view.setUint32(at + FIRST + i * 4, word, true);
  });
}

function hide(btf: Btf, layout: DataLayout, view: DataView, id: number, at: number): void {
  const type = typeById(btf, id);
  if ((type.kind !== "func" && type.kind !== "var") || type.linkage !== "global" || !layout.hidden(type.name)) return;
  // A function's linkage stands where other kinds count their parts: the low 16 bits of `info`.
  if (type.kind === "func") view.setUint16(at + INFO, 0, true);
  else view.setUint32(at + FIRST, 0, true);
}
