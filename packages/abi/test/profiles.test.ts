import { DEFAULT_PROFILE, PROFILES, profileFor } from "@bpfkit/abi";
import { describe, expect, test } from "vitest";

describe("profiles", () => {
  test.each([
    {
      version: "4.15",
      arch: "x86-64",
      rules: { calls: false, mixed: false, tailCallCount: "by-value", stackRounding: 32 },
    },
    { version: "4.16", arch: "x86-64", rules: { calls: true, mixed: false } },
    { version: "5.9", arch: "x86-64", rules: { calls: true, mixed: false } },
    { version: "5.10", arch: "x86-64", rules: { mixed: true, maxStackBeforeTailCall: 256, tailCallCount: "by-value" } },
    { version: "5.10", arch: "arm64", rules: { mixed: false } },
    { version: "6.0", arch: "arm64", rules: { mixed: true, maxStackBeforeTailCall: 256 } },
    { version: "6.2", arch: "s390", rules: { mixed: false } },
    { version: "6.3", arch: "s390", rules: { mixed: true } },
    { version: "6.4", arch: "loongarch", rules: { mixed: true } },
    { version: "6.8", arch: "x86-64", rules: { stackRounding: 32 } },
    { version: "6.9", arch: "x86-64", rules: { stackRounding: 16 } },
    { version: "6.11", arch: "x86-64", rules: { tailCallCount: "by-value", privateStacks: false } },
    { version: "6.12", arch: "x86-64", rules: { tailCallCount: "shared", privateStacks: false } },
    { version: "6.13", arch: "x86-64", rules: { tailCallCount: "shared", privateStacks: true } },
    { version: "6.13", arch: "arm64", rules: { tailCallCount: "shared", privateStacks: false } },
    { version: "6.18", arch: "x86-64", rules: { tailCallLimit: 33, maxFrames: 8, maxStack: 512, stackRounding: 16 } },
    { version: "6.12.3", arch: "x86-64", rules: { version: "6.12.3", tailCallCount: "shared" } },
    { version: "7.3", arch: "x86-64", rules: { privateStacks: true } },
  ])("$version on $arch", ({ version, arch, rules }) => {
    expect(profileFor(version, arch)).toMatchObject(rules);
  });

  test("where calls and tail calls do not mix there is no rule for the mix", () => {
    expect(profileFor("5.9")).not.toHaveProperty("maxStackBeforeTailCall");
  });

  test("the default is the newest", () => {
    expect(profileFor()).toEqual(DEFAULT_PROFILE);
    expect(DEFAULT_PROFILE).toMatchObject({ version: "6.18", arch: "x86-64" });
  });

  test("the list has a profile for each change and the newest", () => {
    const versions = (arch: string) =>
      PROFILES.filter((profile) => profile.arch === arch).map((profile) => profile.version);
    expect(versions("x86-64")).toEqual(["4.15", "4.16", "5.10", "6.9", "6.12", "6.13", "6.18"]);
    expect(versions("arm64")).toEqual(["4.15", "4.16", "6.0", "6.9", "6.12", "6.17", "6.18"]);
    expect(versions("s390")).toEqual(["4.15", "4.16", "6.3", "6.9", "6.18"]);
  });

  test.each(["4.14", "6", "newest", "6.x", "", "-5.10"])("version %s is refused", (version) => {
    expect(() => profileFor(version)).toThrow(expect.objectContaining({ code: "UNKNOWN_PROFILE" }));
  });

  test.each(["mips", "x86", "toString"])("architecture %s is refused", (arch) => {
    expect(() => profileFor("6.18", arch)).toThrow(/there are rules for x86-64, arm64, s390, loongarch/);
  });
});
