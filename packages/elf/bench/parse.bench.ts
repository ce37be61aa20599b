// npx vitest bench packages/elf: a 2 MB object parses in under 150 ms, the first time too.
import { bench, describe } from "vitest";
import { parseObject } from "../src/index.js";
import { clangObject, generatedObject } from "./objects.js";

for (const [name, bytes] of [
  ["generated", generatedObject()],
  ["clang's (skipped where clang-19 is not installed)", clangObject()],
] as const) {
  describe.skipIf(bytes === undefined)(`${name}, ${((bytes?.length ?? 0) / 1e6).toFixed(1)} MB`, () => {
    const start = performance.now();
    if (bytes !== undefined) {
      const { programs } = parseObject(bytes);
      const slots = programs.reduce((sum, { code }) => sum + code.length / 8, 0);
      console.log(
        `${name}: first time ${(performance.now() - start).toFixed(1)} ms, ${programs.length} programs, ${slots} slots linked`,
      );
    }
    bench("parseObject", () => {
      if (bytes !== undefined) parseObject(bytes);
    });
  });
}
