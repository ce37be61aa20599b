import { SLOT_BYTES } from "@bpfkit/core";
import { ROW, WIDE_OPCODE } from "@bpfkit/isa";
import { type ElfFile, type ElfSection, SHF_EXECINSTR, SHT_PROGBITS, sectionBytes } from "./elf-file.js";
import { type ElfRelocation, R_BPF_64_32, R_BPF_64_64 } from "./relocations.js";
import type { Site, SiteTarget } from "./site.js";

/** A section of instructions with all that its slots refer to. */
export interface CodeSection {
  readonly section: ElfSection;
  /** The section's bytes, in the file. */
  readonly code: Uint8Array;
  readonly slots: number;
  /** Ascending by slot. */
  readonly sites: readonly Site[];
  /** Relocations behind the last slot. */
  readonly stray: number;
}

/** What a relocation's symbol stands for; `addend` is what the slot held: bytes for an address, as is for a call. */
export type ResolveSymbol = (symbol: number, addend: number, use: "call" | "address") => SiteTarget;

const CALL = ROW.callLocal.opcode;
const LOCAL = ROW.callLocal.select.src;
const CODE = ROW.lddwCode.select.src;

/** Whether a section holds instructions. */
export function isCode({ type, flags, size }: ElfSection): boolean {
  return type === SHT_PROGBITS && Math.floor(flags / SHF_EXECINSTR) % 2 === 1 && size > 0;
}

/**
 * Finds every slot of a section that refers to something: calls and function addresses with and without relocations,
 * loads with relocations. Relocations that fit no instruction become problems of their slot.
 */
export function readCode(
  elf: ElfFile,
  section: ElfSection,
  relocations: readonly ElfRelocation[],
  resolve: ResolveSymbol,
): CodeSection {
  elf.budget.charge(section.size);
  const code = sectionBytes(elf, section);
  const slots = Math.floor(code.length / SLOT_BYTES);
  const view = new DataView(code.buffer, code.byteOffset, code.byteLength);
  const sites: Site[] = [];
  let next = 0;
  for (let slot = 0; slot < slots; ) {
    const at = slot * SLOT_BYTES;
    const opcode = code[at]!;
    const width = opcode === WIDE_OPCODE ? 2 : 1;
    const end = at + width * SLOT_BYTES;
    const first = next;
    while (next < relocations.length && relocations[next]!.offset < end) next++;
    const target =
      first === next
        ? withoutRelocation(section.index, slot, opcode, code[at + 1]! >>> 4, view, at)
        : withRelocation(relocations.slice(first, next), opcode, view, at, resolve);
    if (target !== undefined) sites.push({ slot, width, target });
    slot += width;
  }
  return { section, code, slots, sites, stray: relocations.length - next };
}

/** Calls inside a section need no relocation; neither do addresses that an assembler already made relative. */
function withoutRelocation(
  section: number,
  slot: number,
  opcode: number,
  src: number,
  view: DataView,
  at: number,
): SiteTarget | undefined {
  const kind = opcode === CALL && src === LOCAL ? "call" : opcode === WIDE_OPCODE && src === CODE ? "code" : undefined;
  return kind && { kind, section, slot: slot + view.getInt32(at + 4, true) + 1 };
}

function withRelocation(
  relocations: readonly ElfRelocation[],
  opcode: number,
  view: DataView,
  at: number,
  resolve: ResolveSymbol,
): SiteTarget {
  const { offset, type, symbol } = relocations[0]!;
  const bad = (what: string): SiteTarget => ({ kind: "problem", code: "BAD_RELOCATION", what });
  if (relocations.length > 1) return bad(`${relocations.length} relocations of one instruction; it can have one`);
  if (offset !== at) return bad("a relocation that does not point at the first byte of an instruction");
  const imm = view.getInt32(at + 4, true);
  if (opcode === CALL && type === R_BPF_64_32) return resolve(symbol, imm, "call");
  if (opcode === WIDE_OPCODE && type === R_BPF_64_64) return resolve(symbol, imm, "address");
  return bad(`relocation type ${type} at opcode 0x${opcode.toString(16)}; a call takes 10, a 64-bit load takes 1`);
}
