import { expect, test, vi } from "vitest";

test("the example finds the forgotten multiplication", async () => {
  const log = vi.spyOn(console, "log").mockImplementation(() => {});
  await import("../examples/two-engines.js");
  expect(log.mock.calls).toEqual([["r0 of run 0 (entry): forgetful 0, all 1"], [["mul32Imm"]]]);
  log.mockRestore();
});
