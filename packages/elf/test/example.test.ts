import { readFileSync } from "node:fs";
import { format } from "node:util";
import { expect, test, vi } from "vitest";

test("the example prints what the README says", async () => {
  const log = vi.spyOn(console, "log").mockImplementation(() => {});
  await import("../examples/inspect.js");
  const printed = log.mock.calls.map((call) => format(...call)).join("\n");
  log.mockRestore();
  const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");
  expect(/```text\n([\s\S]*?)\n```/.exec(readme)?.[1]).toBe(printed);
});
