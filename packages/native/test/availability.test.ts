import Module from "node:module";
import { afterEach, expect, test, vi } from "vitest";

afterEach(() => {
  vi.restoreAllMocks();
  vi.resetModules();
});

/** A copy of the package that has not looked around yet. */
async function fresh(): Promise<typeof import("@bpfkit/native")> {
  vi.resetModules();
  return import("@bpfkit/native");
}

function fake(property: "platform" | "arch", value: string): void {
  vi.spyOn(process, property, "get").mockReturnValue(value as never);
}

/** Everything that needs the process underneath. */
function expectRefusals(native: typeof import("@bpfkit/native"), reason: RegExp): void {
  const answers = [native.nativeAvailability(), native.executableMemory.availability()];
  for (const answer of answers) expect(answer).toEqual({ available: false, reason: expect.stringMatching(reason) });
  const uses = [
    () => native.syscall(39),
    () => native.addressOf(new Uint8Array(8)),
    () => native.executableMemory.reserve(1),
    () => native.executableMemory.callback(() => 0),
    () => native.guardRegions(new WebAssembly.Memory({ initial: 1 })),
  ];
  for (const use of uses) {
    expect(use).toThrow(expect.objectContaining({ name: "NativeError", code: "NOT_AVAILABLE" }));
    expect(use).toThrow(reason);
  }
}

test.each([
  { platform: "darwin", reason: /not available here, because this is darwin and not Linux/ },
  { platform: "win32", reason: /not available here, because this is win32 and not Linux/ },
])("on $platform all is refused in one sentence", async ({ platform, reason }) => {
  fake("platform", platform);
  expectRefusals(await fresh(), reason);
});

test("on arm64 all is refused in one sentence", async () => {
  fake("platform", "linux");
  fake("arch", "arm64");
  expectRefusals(await fresh(), /not available here, because this is arm64 and not x86-64/);
});

test("without koffi all is refused in one sentence", async () => {
  fake("platform", "linux");
  fake("arch", "x64");
  const loader = Module as unknown as { _load(request: string, ...rest: unknown[]): unknown };
  const load = loader._load;
  vi.spyOn(loader, "_load").mockImplementation((request, ...rest) => {
    if (request === "koffi") throw new Error("Cannot find module 'koffi'\nRequire stack: …");
    return load.call(loader, request, ...rest);
  });
  const native = await fresh();
  expectRefusals(
    native,
    /not available here, because the package koffi could not be loaded: Cannot find module 'koffi'$/,
  );
  expect(native.errnoName(22)).toBe("EINVAL");
});
