import type { Command } from "../command.js";

const HEAD = ["arch", "from", "calls", "mix", "frames", "stack", "before", "round", "tail calls", "counted", "private"];

/** `bpfkit profiles`: the rules that differ by kernel version and architecture. */
export const command: Command = {
  positionals: "",
  count: [0, 0],
  options: {
    arch: { kind: "text", value: "ARCH", description: "only this architecture" },
  },
  examples: ["bpfkit profiles", "bpfkit profiles --arch arm64 --json"],
  async run(given, output) {
    const { PROFILES, profileFor } = await import("@bpfkit/abi");
    const arch = given.text("arch");
    if (arch !== undefined) profileFor(undefined, arch);
    const profiles = PROFILES.filter((profile) => arch === undefined || profile.arch === arch);
    if (output.json) {
      for (const profile of profiles) output.object(profile);
      return 0;
    }
    const yes = (value: boolean): string => (value ? "yes" : "no");
    const rows = profiles.map((profile) => [
      profile.arch,
      profile.version,
      yes(profile.calls),
      yes(profile.mixed),
      profile.maxFrames,
      profile.maxStack,
      profile.maxStackBeforeTailCall === undefined ? "" : `< ${profile.maxStackBeforeTailCall}`,
      profile.stackRounding,
      profile.tailCallLimit,
      profile.tailCallCount,
      yes(profile.privateStacks),
    ]);
    const { printTable } = await import("../table.js");
    printTable(output, HEAD, rows);
    return 0;
  },
};
