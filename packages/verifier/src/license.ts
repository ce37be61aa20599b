import type { Program } from "@bpfkit/core";

const GPL: ReadonlySet<string> = new Set([
  "GPL",
  "GPL v2",
  "GPL and additional rights",
  "Dual BSD/GPL",
  "Dual MIT/GPL",
  "Dual MPL/GPL",
]);

/** Whether a program's license lets it call what is only for the GPL (Linux `license_is_gpl_compatible`); none given counts as GPL. */
export const isGplCompatible = ({ license }: Program): boolean => GPL.has(license ?? "GPL");
