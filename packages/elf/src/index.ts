/** eBPF objects (ELF) as plain descriptions: programs with their subprograms linked in, maps, global data. */

export type { ElfFile, ElfOptions, ElfSection } from "./elf-file.js";
export { readElf, sectionBytes } from "./elf-file.js";
export type { ElfErrorCode } from "./error.js";
export { ElfError } from "./error.js";
export { MAP_TYPES } from "./map-types.js";
export type { ObjectSpec } from "./object.js";
export { parseObject } from "./object.js";
export type { ObjectVariable } from "./object-maps.js";
export type { ObjectProblem } from "./problems.js";
export type { SectionType } from "./program-types.js";
export { sectionType } from "./program-types.js";
export type { ElfRelocation } from "./relocations.js";
export { relocations } from "./relocations.js";
export type { ElfSymbol } from "./symbols.js";
export { symbols } from "./symbols.js";
