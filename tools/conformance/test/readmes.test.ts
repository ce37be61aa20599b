import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { format } from "node:util";
import { describe, expect, test, vi } from "vitest";
import { filesIn, packagesIn, readText, root } from "../src/packages.js";

const examples = packagesIn("packages").flatMap(({ folder }) =>
  filesIn(`${folder}examples`, ".ts").map((path) => ({ folder, path })),
);

/** Runs an example and gives what it prints. */
async function outputOf(path: string): Promise<string> {
  const lines: string[] = [];
  const log = vi.spyOn(console, "log").mockImplementation((...values) => void lines.push(format(...values)));
  try {
    await import(new URL(path, root).href);
  } finally {
    log.mockRestore();
  }
  return lines.join("\n").trim();
}

test.each(packagesIn("packages"))("$manifest.name has an example", ({ folder }) => {
  expect(examples.map((example) => example.folder)).toContain(folder);
});

describe.each(examples)("$path", ({ folder, path }) => {
  const readme = readText(`${folder}README.md`);

  test("is in its README as it is", () => {
    expect(readme).toContain(`\`\`\`ts\n${readText(path).trim()}\n\`\`\`\n`);
  });

  test("prints what its README says", async () => {
    const printed = await outputOf(path);
    expect(readme).toContain(`\`\`\`text\n${printed}\n\`\`\`\n`);
  });
});

test("the root README shows what npm start prints", () => {
  const { stdout } = spawnSync(process.execPath, [fileURLToPath(new URL("examples/tour.mjs", root))], {
    encoding: "utf8",
  });
  const printed = stdout.trim().replace(/ +$/gm, "");
  expect(readText("README.md")).toContain(`\`\`\`text\n${printed}\n\`\`\``);
});
