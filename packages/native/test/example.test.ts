import { expect, test, vi } from "vitest";
import { executableMissing } from "./here.js";

test.skipIf(executableMissing !== "")(`the example prints 42${executableMissing}`, async () => {
  const log = vi.spyOn(console, "log").mockImplementation(() => {});
  await import("../examples/sum.js");
  expect(log.mock.calls).toEqual([[42n]]);
  log.mockRestore();
});
