import type { Profile } from "@bpfkit/core";
import { AbiError } from "./error.js";

/** Architectures there are rules for, with the first kernel whose JIT lets calls and tail calls stand in one program. */
const MIXED_SINCE = {
  "x86-64": "5.10",
  arm64: "6.0",
  s390: "6.3",
  loongarch: "6.4",
} as const;

type Arch = keyof typeof MIXED_SINCE;

/** The first kernel of an architecture that counts tail calls once for a whole entry. The others are not known to. */
const SHARED_COUNT_SINCE: Partial<Record<Arch, string>> = { "x86-64": "6.12", arm64: "6.12" };

/** The first kernel of an architecture whose JIT gives traced programs a stack of their own per frame. */
const PRIVATE_STACKS_SINCE: Partial<Record<Arch, string>> = { "x86-64": "6.13", arm64: "6.17" };

const ARCHITECTURES = Object.keys(MIXED_SINCE) as Arch[];
const OLDEST = "4.15";
const NEWEST = "6.18";

/** The profile whose rules apply where none is asked for. */
export const DEFAULT_PROFILE: Profile = makeProfile(NEWEST, "x86-64");

/** Versions at which some rule changed on some architecture, oldest first, and the newest. */
const TURNING_POINTS = ["4.15", "4.16", "5.10", "6.0", "6.3", "6.4", "6.9", "6.12", "6.13", "6.17", NEWEST];

/** A profile for each kernel version at which the rules of an architecture changed, and for the newest. */
export const PROFILES: readonly Profile[] = ARCHITECTURES.flatMap((arch) =>
  TURNING_POINTS.map((version) => makeProfile(version, arch)).filter(
    (profile, index, all) => index === 0 || profile.version === NEWEST || !sameRules(profile, all[index - 1]!),
  ),
);

/**
 * The rules of a kernel version (`major.minor`, from 4.15; later than 6.18 means 6.18's) on an architecture.
 * @throws {AbiError} `UNKNOWN_PROFILE` where there are no rules for it.
 */
export function profileFor(version: string = NEWEST, arch = "x86-64"): Profile {
  if (!/^\d+\.\d+(\.\d+)?$/.test(version) || isBefore(version, OLDEST))
    throw new AbiError(
      "UNKNOWN_PROFILE",
      `kernel version ${version}: there are rules from ${OLDEST} to ${NEWEST}, written like 5.10`,
    );
  if (!Object.hasOwn(MIXED_SINCE, arch))
    throw new AbiError("UNKNOWN_PROFILE", `architecture ${arch}: there are rules for ${ARCHITECTURES.join(", ")}`);
  return makeProfile(version, arch as Arch);
}

function makeProfile(version: string, arch: Arch): Profile {
  const from = (since: string | undefined): boolean => since !== undefined && !isBefore(version, since);
  const mixed = from(MIXED_SINCE[arch]);
  return {
    version,
    arch,
    tailCallLimit: 33,
    tailCallCount: from(SHARED_COUNT_SINCE[arch]) ? "shared" : "by-value",
    calls: from("4.16"),
    mixed,
    maxFrames: 8,
    maxStack: 512,
    ...(mixed ? { maxStackBeforeTailCall: 256 } : {}),
    stackRounding: from("6.9") ? 16 : 32,
    privateStacks: from(PRIVATE_STACKS_SINCE[arch]),
  };
}

function isBefore(version: string, other: string): boolean {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const [otherMajor = 0, otherMinor = 0] = other.split(".").map(Number);
  return major < otherMajor || (major === otherMajor && minor < otherMinor);
}

function sameRules(one: Profile, other: Profile): boolean {
  return JSON.stringify({ ...one, version: "" }) === JSON.stringify({ ...other, version: "" });
}
