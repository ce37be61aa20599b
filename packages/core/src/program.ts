import type { SlotIndex } from "./brand.js";
import type { SourceLine } from "./error.js";

/** Bytes of one slot of BPF code (RFC 9669 §3). */
export const SLOT_BYTES = 8;

/** Bytes of stack a frame has (Linux `MAX_BPF_STACK`). */
export const FRAME_BYTES = 512;

/**
 * One program as plain data: it can be sent to a worker, stored, or given to any engine, and is never bound to addresses.
 *
 * `code` is one flat list of slots, the entry first and each subprogram once behind it, as libbpf lays it out. Calls and
 * function addresses in it are already relative (RFC 9669 §5.4.1 program-local); maps and externs are named in
 * `references`, and the immediates of those slots mean nothing.
 */
export interface Program {
  /** The entry's function name; unique within its object. */
  readonly name: string;
  readonly section?: string;
  /** The kernel's program type in lower case without prefix (`xdp`, `sched_cls`, …), or `raw`. */
  readonly type: string;
  /** The kernel's attach type in lower case without prefix, where the type needs one. */
  readonly expectedAttachType?: string;
  /**
   * What a program of type `tracing`, `lsm`, `ext` or `struct_ops` attaches to, where the loader has found it in the kernel's
   * types: a function, an iterator, a hook. Objects only name it in their section.
   */
  readonly attachTo?: string;
  /** `BPF_F_*` load flags (uapi/linux/bpf.h). */
  readonly flags?: number;
  readonly license?: string;
  /** Wire bytes, little endian, 8 a slot. */
  readonly code: Uint8Array;
  /** Ascending by `start`; the first is the entry at slot 0. */
  readonly subprograms: readonly Subprogram[];
  /** Ascending by `slot`. */
  readonly references: readonly Reference[];
  readonly btf?: ProgramBtf;
}

export interface Subprogram {
  readonly name: string;
  readonly start: SlotIndex;
  /** A global function is verified alone, by its prototype; a static one at each call site. */
  readonly linkage: "static" | "global";
}

/** What a slot refers to by name. */
export type Reference =
  /** A 64-bit load of a map (source register 1). */
  | { readonly kind: "map"; readonly slot: SlotIndex; readonly map: string }
  /** A 64-bit load of an address `offset` bytes into the value of a map's key 0 (source register 2). */
  | { readonly kind: "mapValue"; readonly slot: SlotIndex; readonly map: string; readonly offset: number }
  /** Something outside the object: a call of a kfunc, or the address of a kernel or kconfig variable. */
  | {
      readonly kind: "extern";
      readonly slot: SlotIndex;
      readonly symbol: string;
      readonly of: "function" | "variable";
      /** A weak symbol may stay undefined: its address is 0. */
      readonly weak: boolean;
    };

/** BTF as the kernel takes it with a program. */
export interface ProgramBtf {
  /** The object's `.BTF` section, whole, with the sizes and offsets of its data sections filled in. */
  readonly types: Uint8Array;
  /** A row for each subprogram, in order: its slot and its BTF function's type id. */
  readonly functions: readonly { readonly slot: SlotIndex; readonly typeId: number }[];
  /** Four words a row, ascending by slot: slot, offset of the file name, offset of the text (both in the string section), line << 10 | column. */
  readonly lines: Uint32Array;
}

/** Finds the C line a slot came from: the last row at or before it. Undefined where the program carries no lines. */
export function sourceLineAt(program: Program, slot: number): SourceLine | undefined {
  const lines = program.btf?.lines;
  if (lines === undefined || program.btf === undefined) return undefined;
  let low = 0;
  let high = lines.length / 4;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (lines[middle * 4]! <= slot) low = middle + 1;
    else high = middle;
  }
  if (low === 0) return undefined;
  const [, file, text, where] = lines.subarray((low - 1) * 4, low * 4);
  const string = (offset: number): string => btfString(program.btf!.types, offset);
  return { file: string(file!), text: string(text!).trim(), line: where! >>> 10, column: where! & 0x3ff };
}

/** The subprogram that holds a slot; the entry where the slot is before every start. */
export function subprogramAt(program: Program, slot: number): Subprogram | undefined {
  return program.subprograms.findLast((subprogram) => subprogram.start <= slot) ?? program.subprograms[0];
}

/** Reads a NUL-terminated string of a `.BTF` section's string table (Documentation/bpf/btf.rst); empty out of range. */
function btfString(types: Uint8Array, offset: number): string {
  if (types.length < 24) return "";
  const view = new DataView(types.buffer, types.byteOffset, types.byteLength);
  const start = view.getUint32(4, true) + view.getUint32(16, true) + offset;
  const end = types.indexOf(0, start);
  return end < 0 ? "" : new TextDecoder().decode(types.subarray(start, end));
}
