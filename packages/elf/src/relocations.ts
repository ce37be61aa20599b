import { type ElfFile, type ElfSection, SHT_REL, u64 } from "./elf-file.js";

/** One relocation of a section (`Elf64_Rel`). */
export interface ElfRelocation {
  /** Byte offset in the section it applies to. */
  readonly offset: number;
  /** `R_BPF_*` (Documentation/bpf/llvm_reloc.rst). */
  readonly type: number;
  /** Index in the symbol table. */
  readonly symbol: number;
}

/** `R_BPF_*`: nothing; an address in a 64-bit load (in data too, from older LLVM); a call. */
export const R_BPF_NONE = 0;
export const R_BPF_64_64 = 1;
export const R_BPF_64_32 = 10;

const REL_BYTES = 16;

/** Relocation sections by the index of the section they apply to. */
export type RelocationIndex = ReadonlyMap<number, readonly ElfSection[]>;

export function indexRelocations(elf: ElfFile): RelocationIndex {
  const index = new Map<number, ElfSection[]>();
  for (const section of elf.sections) {
    if (section.type !== SHT_REL) continue;
    const list = index.get(section.info);
    if (list === undefined) index.set(section.info, [section]);
    else list.push(section);
  }
  return index;
}

/** The relocations of a section, in order of their offsets; those that do nothing are left out. */
export function relocationsOf(elf: ElfFile, index: RelocationIndex, section: number): ElfRelocation[] {
  const found: ElfRelocation[] = [];
  for (const { offset, size } of index.get(section) ?? []) {
    elf.budget.charge(size);
    for (let at = offset; at + REL_BYTES <= offset + size; at += REL_BYTES) {
      const type = elf.view.getUint32(at + 8, true);
      if (type === R_BPF_NONE) continue;
      found.push({ offset: u64(elf.view, at), type, symbol: elf.view.getUint32(at + 12, true) });
    }
  }
  return found.sort((a, b) => a.offset - b.offset);
}

/** All relocations of an object, by the section they apply to, in the order of the section table. */
export function relocations(elf: ElfFile): { section: ElfSection; relocations: ElfRelocation[] }[] {
  const index = indexRelocations(elf);
  return elf.sections
    .filter((section) => index.has(section.index))
    .map((section) => ({ section, relocations: relocationsOf(elf, index, section.index) }));
}
