import { CLASSES, generateCase, programSeed, type Step } from "@bpfkit/fuzz";
import { expect, test } from "vitest";

/** Where a number stands that no two engines share: made from an address of the stack, or by these helpers. */
const UNREPEATABLE = new Set([5, 7, 8]);

/**
 * Walks code without jumps and says which step lets such a number out: into r0 at an exit, a map's value, a packet, or a
 * condition. Written apart from the generator's own bookkeeping; blocks are cut at labels, so what is unknown counts as shared.
 */
function leaks(items: readonly (Step | { label: number })[]): string[] {
  let tainted = new Set<number>();
  /** Registers that point into the frame, where such numbers may lie. */
  let stack = new Set([10]);
  const found: string[] = [];
  for (const item of items) {
    if (!("row" in item)) {
      tainted = new Set();
      stack = new Set([10]);
      continue;
    }
    const { row, dst, src, imm } = item;
    const has = (register: number): boolean => tainted.has(register);
    if (row.operation === "exit" && has(0)) found.push("r0 at an exit");
    if (row.target === "offset" && row.fields.includes("dst") && has(dst)) found.push(`${row.name} on r${dst}`);
    if (row.target === "offset" && row.fields.includes("src") && has(src)) found.push(`${row.name} on r${src}`);
    const intoMemory = row.form === "[dst+offset],src" && has(src);
    if (intoMemory && !stack.has(dst)) found.push(`${row.name} through r${dst}`);
    if (intoMemory && !/^stx/.test(row.name)) found.push(`${row.name} of r${src}`);
    if (row.form === "dst,src" && !row.fields.includes("offset")) {
      const from = has(src) || (src === 10 && /^mov(32|sx)/.test(row.name));
      const reads = !/^mov/.test(row.name);
      if (from || (reads && has(dst))) tainted.add(dst);
      else tainted.delete(dst);
    } else if (/^(mov64Imm|mov32Imm|lddw|ldx|loadAcquire)/.test(row.name)) tainted.delete(dst);
    if (row.name === "mov64Reg" && stack.has(src)) stack.add(dst);
    else if (dst !== 10 && row.fields[0] === "dst" && !/^(add64|st|j)/.test(row.name)) stack.delete(dst);
    if (row.operation === "call") {
      for (let register = 0; register <= 5; register++) tainted.delete(register);
      if (row.name === "call" && UNREPEATABLE.has(imm)) tainted.add(0);
    }
  }
  return found;
}

test.each(CLASSES.map(({ name }) => name))("numbers made from addresses stay inside: %s", (name) => {
  for (let i = 0; i < 300; i++) {
    const subject = generateCase(programSeed(99, i), name);
    for (const source of subject.sources)
      expect({ seed: subject.seed, leaks: leaks(source.items) }).toEqual({ seed: subject.seed, leaks: [] });
  }
});

test("the walk above sees a leak where there is one", () => {
  const subject = generateCase(programSeed(99, 0), "alu");
  const exit = subject.sources[0]!.items.findLast((item): item is Step => "row" in item && item.row.name === "exit")!;
  const moved = subject.sources[0]!.items.find((item): item is Step => "row" in item && item.row.name === "mov64Reg")!;
  const half = { ...moved, row: { ...moved.row, name: "mov32Reg" as const }, dst: 0, src: 10 };
  expect(leaks([half, exit])).toEqual(["r0 at an exit"]);
});
