import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { afterEach, expect, test, vi } from "vitest";
import { kernelMissing } from "./here.js";

afterEach(() => {
  vi.restoreAllMocks();
  vi.resetModules();
});

async function fresh(): Promise<typeof import("@bpfkit/kernel")> {
  vi.resetModules();
  return import("@bpfkit/kernel");
}

test.each(["darwin", "win32"])("on %s the engine says why it is not there, and every use does", async (platform) => {
  vi.spyOn(process, "platform", "get").mockReturnValue(platform as never);
  const { kernelEngine, kernelAvailability } = await fresh();
  const reason = `not available here, because this is ${platform} and not Linux`;
  expect(kernelAvailability()).toEqual({ available: false, reason });
  const engine = kernelEngine();
  expect(engine.availability()).toEqual({ available: false, reason });
  expect(() => engine.createMaps!([])).toThrow(expect.objectContaining({ code: "NOT_AVAILABLE" }));
  expect(() => engine.link({} as never)).toThrow(reason);
});

/** Runs this package's built code as another user; what it prints. */
const DIST = new URL("../dist/index.js", import.meta.url);
const asNobody =
  kernelMissing !== ""
    ? kernelMissing
    : process.getuid?.() !== 0
      ? " (needs root to become another user)"
      : existsSync(DIST)
        ? ""
        : " (needs the build)";

test.skipIf(asNobody !== "")(`as another user one line says which capability and setting${asNobody}`, () => {
  const script = `import(${JSON.stringify(DIST.href)}).then((k) => console.log(k.kernelAvailability().reason));`;
  const result = spawnSync(process.execPath, ["-e", script], { encoding: "utf8", uid: 65534, gid: 65534 });
  expect(result.stderr).toBe("");
  expect(result.stdout).toMatch(
    /^not available here, because bpf\(2\) is not permitted: this process lacks CAP_BPF, CAP_PERFMON and CAP_NET_ADMIN \(or CAP_SYS_ADMIN\), and kernel\.unprivileged_bpf_disabled is \d\n$/,
  );
});
