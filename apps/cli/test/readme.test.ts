import { readFileSync } from "node:fs";
import { chdir, cwd } from "node:process";
import { expect, test } from "vitest";
import { inRoot } from "./harness.js";
import { run } from "./in-process.js";

const readme = readFileSync(inRoot("apps/cli/README.md"), "utf8");
const blocks = [...readme.matchAll(/```text\n\$ bpfkit ([^\n]+)\n(.*?)```/gs)];
/** Times differ from run to run. */
const timeless = (text: string): string => text.replace(/[\d.]+ (ns|µs|ms|s),/g, "…,");

test("the README has an example", () => expect(blocks).toHaveLength(1));

test.each(blocks.map(([, args, output]) => [args!, output!]))("bpfkit %s", async (args, output) => {
  const home = cwd();
  chdir(inRoot("."));
  try {
    expect(timeless((await run(...args.split(" "))).stdout)).toBe(timeless(output));
  } finally {
    chdir(home);
  }
});
