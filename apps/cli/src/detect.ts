import { asText } from "./files.js";

/** What a program file may be: an ELF object, wire bytes, assembly text, or wire bytes as hex text. */
export const FORMATS = ["elf", "raw", "asm", "hex"] as const;

export type Format = (typeof FORMATS)[number];

const ENDINGS: ReadonlyMap<string, Format> = new Map([
  ["o", "elf"],
  ["bin", "raw"],
  ["bpf", "asm"],
  ["asm", "asm"],
  ["s", "asm"],
  ["hex", "hex"],
]);

/** What a file holds, by its content; where that leaves a choice, by the ending of its name. */
export function detectFormat(bytes: Uint8Array, file: string): Format {
  if (bytes[0] === 0x7f && bytes[1] === 0x45 && bytes[2] === 0x4c && bytes[3] === 0x46) return "elf";
  const ending = ENDINGS.get(/\.([a-z]+)$/i.exec(file)?.[1]?.toLowerCase() ?? "");
  const text = asText(bytes);
  // Bytes that are no text cannot be assembly or hex; said to be an object, they are a damaged one.
  if (text === undefined) return ending === "elf" ? "elf" : "raw";
  if (ending !== undefined) return ending;
  return /^[\s0-9a-fA-F]*$/.test(text) ? "hex" : "asm";
}
