import { readFileSync } from "node:fs";
import { expect, test, vi } from "vitest";

test("the example prints what the README says", async () => {
  const log = vi.spyOn(console, "log").mockImplementation(() => {});
  await import("../examples/roundtrip.js");
  const printed = log.mock.calls.map((call) => call.join(" ")).join("\n");
  log.mockRestore();
  const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");
  expect(printed).toBe(/```text\n([\s\S]*?)\n```/.exec(readme)?.[1]);
});
