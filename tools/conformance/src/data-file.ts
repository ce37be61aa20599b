/** A case of the public bpf_conformance suite. */
export interface DataFile {
  readonly asm: string;
  /** Bytes of the memory r1 points to; empty where there is none. */
  readonly mem: Uint8Array;
  /** r0, unsigned. */
  readonly result: bigint;
  /** Slots as 64-bit numbers, little endian, where the file gives them. */
  readonly raw?: readonly bigint[];
}

/** Reads a `.data` file: sections begin with `-- name`, `#` begins a comment line. */
export function parseDataFile(text: string): DataFile {
  const sections = new Map<string, string[]>();
  let current: string[] = [];
  for (const line of text.split("\n")) {
    const heading = /^-- (.+)$/.exec(line);
    if (heading === null) {
      current.push(line);
    } else {
      current = [];
      sections.set(heading[1]!.trim(), current);
    }
  }
  const words = (name: string): string[] => (sections.get(name) ?? []).join(" ").split(/\s+/).filter(Boolean);
  const [result] = words("result");
  return {
    asm: (sections.get("asm") ?? []).join("\n"),
    mem: Uint8Array.from(words("mem").join("").match(/../g) ?? [], (byte) => Number.parseInt(byte, 16)),
    result: BigInt.asUintN(64, BigInt(result ?? "0")),
    ...(sections.has("raw") ? { raw: words("raw").map((word) => BigInt(word)) } : {}),
  };
}
