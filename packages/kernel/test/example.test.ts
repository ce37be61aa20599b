import { expect, test, vi } from "vitest";
import { kernelMissing } from "./here.js";

test.skipIf(kernelMissing !== "")(`the example prints two verdicts and a result${kernelMissing}`, async () => {
  const log = vi.spyOn(console, "log").mockImplementation(() => {});
  await import("../examples/judge.js");
  expect(log.mock.calls).toEqual([["reject", "EACCES", "R0 !read_ok"], ["accept"], [2]]);
  log.mockRestore();
});
