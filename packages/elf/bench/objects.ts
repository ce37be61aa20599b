import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildElf, CALL, CODE, DATA, EXIT, FUNC, GLOBAL, LOAD, MOV, OBJECT, slots } from "../test/build-elf.js";

const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

/** An object of about 2 MB: 400 programs that each use a map, global data and 4 of 1,600 subprograms. */
export function generatedObject(): Uint8Array {
  const subprogram = slots(...range(60).map(MOV), EXIT);
  const program = slots(...LOAD(0), ...range(400).map(MOV), ...LOAD(8), CALL(-1), CALL(-1), CALL(-1), CALL(-1), EXIT);
  const text = new Uint8Array(1600 * subprogram.length);
  const xdp = new Uint8Array(400 * program.length);
  for (const i of range(1600)) text.set(subprogram, i * subprogram.length);
  for (const i of range(400)) xdp.set(program, i * program.length);
  const calls = program.length - 40;
  return buildElf({
    sections: [
      { name: ".text", ...CODE, data: text },
      { name: "xdp", ...CODE, data: xdp },
      { name: "maps", ...DATA, data: new Uint8Array(Uint32Array.of(2, 4, 8, 1, 0).buffer) },
      { name: ".data", ...DATA, data: new Uint8Array(64) },
    ],
    symbols: [
      ...range(1600).map((i) => ({
        name: `subprogram_${i}`,
        type: FUNC,
        section: 0,
        value: i * subprogram.length,
        size: subprogram.length,
      })),
      ...range(400).map((i) => ({
        name: `program_${i}`,
        type: FUNC,
        binding: GLOBAL,
        section: 1,
        value: i * program.length,
        size: program.length,
      })),
      { name: "counters", type: OBJECT, binding: GLOBAL, section: 2, size: 20 },
      { name: "data", type: OBJECT, binding: GLOBAL, section: 3, size: 64 },
    ],
    relocations: new Map([
      [
        1,
        range(400).flatMap((i) => [
          [i * program.length, 1, 2000] as const,
          [i * program.length + 402 * 8, 1, 2001] as const,
          ...range(4).map((k) => [i * program.length + calls + k * 8, 10, i * 4 + k] as const),
        ]),
      ],
    ]),
  });
}

/** C with as many programs, each with a branchy body, a map, a global and subprograms. */
function source(programs: number): string {
  const body = (i: number) => `
static __attribute__((noinline)) int sub_${i}(struct ctx *ctx, int x)
{
	unsigned int key = x & 3;
	unsigned long long *value = lookup(&counters, &key);
	if (value) { *value += ${i}; total_${i} += x; }
${range(60)
  .map((k) => `	if (ctx->words[${k % 30}] == ${k * 7 + i}) x = x * ${k + 3} + ctx->words[${(k * 11) % 30}];`)
  .join("\n")}
	return x;
}
__attribute__((section("xdp"), used)) int program_${i}(struct ctx *ctx)
{
	return sub_${i}(ctx, ctx->words[1]) + sub_${(i * 7) % (i + 1)}(ctx, ctx->words[2]);
}`;
  return `
struct ctx { unsigned int words[30]; };
static void *(*const lookup)(void *, const void *) = (void *)1;
struct { int (*type)[2]; int (*max_entries)[4]; unsigned int *key; unsigned long long *value; } counters
	__attribute__((section(".maps"), used));
${range(programs)
  .map((i) => `static volatile unsigned long long total_${i};`)
  .join("\n")}
${range(programs).map(body).join("\n")}
char _license[] __attribute__((section("license"), used)) = "GPL";
`;
}

/** What clang-19 makes of 165 such programs, about 2 MB with BTF and line information; undefined where it is not installed. */
export function clangObject(): Uint8Array | undefined {
  const folder = mkdtempSync(join(tmpdir(), "bpfkit-bench-"));
  const [c, o] = [join(folder, "big.c"), join(folder, "big.o")];
  try {
    writeFileSync(c, source(165));
    if (spawnSync("clang-19", ["-O2", "-g", "-target", "bpf", "-mcpu=v3", "-c", c, "-o", o]).status !== 0)
      return undefined;
    if (spawnSync("llvm-strip-19", ["-g", o]).status !== 0) return undefined;
    return new Uint8Array(readFileSync(o));
  } finally {
    rmSync(folder, { recursive: true });
  }
}
