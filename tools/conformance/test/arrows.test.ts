import { describe, expect, test } from "vitest";
import { filesIn, packagesIn, readText } from "../src/packages.js";

/** Which package may need which (ARCHITECTURE.md, "Packages"), and where it runs: B everywhere, N in Node. */
const ARROWS: Record<string, { needs: string[]; runs: "B" | "N" }> = {
  core: { needs: [], runs: "B" },
  abi: { needs: ["core"], runs: "B" },
  isa: { needs: ["core"], runs: "B" },
  asm: { needs: ["core", "isa"], runs: "B" },
  btf: { needs: ["core"], runs: "B" },
  elf: { needs: ["core", "isa", "btf"], runs: "B" },
  memory: { needs: ["core"], runs: "B" },
  tailcall: { needs: ["core"], runs: "B" },
  maps: { needs: ["core", "memory"], runs: "B" },
  helpers: { needs: ["core", "abi"], runs: "B" },
  "program-types": { needs: ["core", "abi"], runs: "B" },
  verifier: { needs: ["core", "isa", "abi", "btf"], runs: "B" },
  interpreter: { needs: ["core", "isa"], runs: "B" },
  stack: { needs: ["core", "isa", "abi"], runs: "B" },
  x64: { needs: [], runs: "B" },
  "jit-x64": { needs: ["core", "isa", "x64"], runs: "B" },
  native: { needs: ["core"], runs: "N" },
  kernel: { needs: ["core", "isa", "abi", "native"], runs: "N" },
  fuzz: { needs: ["core", "isa", "abi"], runs: "B" },
  vm: {
    needs: [
      "core",
      "abi",
      "isa",
      "asm",
      "btf",
      "elf",
      "memory",
      "tailcall",
      "maps",
      "helpers",
      "program-types",
      "verifier",
      "interpreter",
      "stack",
    ],
    runs: "B",
  },
};

const packages = packagesIn("packages").map((found) => ({
  ...found,
  short: found.manifest.name.replace("@bpfkit/", ""),
}));
const IMPORT = /^(?:import|export) [^;"=]*from "([^"]+)"|\bimport\("([^"]+)"\)|^import "([^"]+)"/gm;
const importsOf = (path: string): string[] =>
  [...readText(path).matchAll(IMPORT)].map(([, from, call, bare]) => (from ?? call ?? bare)!);

test("the table names every package there is", () => {
  expect(packages.map(({ short }) => short).filter((short) => !(short in ARROWS))).toEqual([]);
});

describe.each(packages)("$manifest.name", ({ folder, manifest, short }) => {
  const { needs, runs } = ARROWS[short]!;
  const allowed = needs.map((name) => `@bpfkit/${name}`);
  const { dependencies, devDependencies, optionalDependencies } = manifest;
  const declared = Object.keys({ ...dependencies, ...devDependencies, ...optionalDependencies });

  test("its manifest needs only what the table allows", () => {
    expect(declared.filter((name) => name.startsWith("@bpfkit/") && !allowed.includes(name))).toEqual([]);
  });

  test("its source imports only what its manifest declares", () => {
    const known = Object.keys({ ...manifest.dependencies, ...manifest.optionalDependencies });
    for (const path of filesIn(`${folder}src`, ".ts")) {
      const foreign = importsOf(path).filter((name) => !name.startsWith(".") && !name.startsWith("node:"));
      expect([path, foreign.filter((name) => !known.includes(name))]).toEqual([path, []]);
    }
  });

  test("its tests stay with what it needs; what spans packages is tested here", () => {
    for (const path of filesIn(`${folder}test`, ".ts")) {
      const others = importsOf(path).filter((name) => name.startsWith("@bpfkit/") && name !== manifest.name);
      expect([path, others.filter((name) => !allowed.includes(name))]).toEqual([path, []]);
    }
  });

  test.runIf(runs === "B")("it uses nothing of Node", () => {
    for (const path of filesIn(`${folder}src`, ".ts")) {
      expect([path, importsOf(path).filter((name) => name.startsWith("node:"))]).toEqual([path, []]);
      expect([path, /\b(process|Buffer|__dirname|require)\s*[.(]/.exec(readText(path))?.[0]]).toEqual([
        path,
        undefined,
      ]);
    }
  });
});
