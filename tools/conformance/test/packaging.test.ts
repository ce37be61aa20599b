import { existsSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { filesIn, packagesIn, readText, root } from "../src/packages.js";

const published = [...packagesIn("packages"), ...packagesIn("apps")].filter(({ manifest }) => !manifest.private);

describe.each(published)("$manifest.name", ({ folder, manifest }) => {
  test("its manifest says what npm and bundlers need", () => {
    expect(manifest).toMatchObject({
      license: "MIT",
      type: "module",
      sideEffects: false,
      engines: { node: ">=20.19" },
    });
    expect(manifest.version).toMatch(/^\d+\.\d+\.\d+$/);
    expect(JSON.stringify(manifest.publishConfig)).not.toContain("@bpfkit/source");
  });

  test("its README has at most 80 lines and the five parts", () => {
    const readme = readText(`${folder}README.md`);
    expect(readme.split("\n").length).toBeLessThanOrEqual(81);
    for (const part of ["## Install", "## Example", "## Limits", "## Where next"]) expect(readme).toContain(part);
  });

  test("it has tests", () => {
    expect(filesIn(`${folder}test`, ".test.ts").length).toBeGreaterThan(0);
  });

  test.runIf(folder.startsWith("packages/"))("its index exports by name", () => {
    expect(existsSync(new URL(`${folder}src/index.ts`, root))).toBe(true);
    expect(readText(`${folder}src/index.ts`)).not.toMatch(/export \*/);
  });
});

/** A change of these is a change for users: look at the diff, and write a changeset. */
test("the public names are these", async () => {
  const surface: Record<string, string[]> = {};
  for (const { manifest, folder } of published.filter(({ folder }) => folder.startsWith("packages/"))) {
    surface[manifest.name] = Object.keys(await import(new URL(`${folder}src/index.ts`, root).href)).sort();
  }
  await expect(JSON.stringify(surface, null, 2)).toMatchFileSnapshot("public-names.json");
});
