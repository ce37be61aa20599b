import { readFileSync } from "node:fs";

/** Bits of `CapEff` in `/proc/self/status` (uapi/linux/capability.h). */
const CAPABILITIES = { CAP_NET_ADMIN: 12n, CAP_SYS_ADMIN: 21n, CAP_PERFMON: 38n, CAP_BPF: 39n } as const;

/** Why this process may not use `bpf(2)`, in one phrase; undefined where nothing stands against it. */
export function permissionReason(): string | undefined {
  const effective = effectiveCapabilities();
  const has = (name: keyof typeof CAPABILITIES): boolean => ((effective >> CAPABILITIES[name]) & 1n) === 1n;
  if (has("CAP_SYS_ADMIN")) return undefined;
  const missing = (["CAP_BPF", "CAP_PERFMON", "CAP_NET_ADMIN"] as const).filter((name) => !has(name));
  if (missing.length === 0) return undefined;
  const setting = unprivilegedSetting();
  const needs = missing.length === 1 ? missing[0] : `${missing.slice(0, -1).join(", ")} and ${missing.at(-1)}`;
  return `bpf(2) is not permitted: this process lacks ${needs} (or CAP_SYS_ADMIN), and kernel.unprivileged_bpf_disabled is ${setting}`;
}

function effectiveCapabilities(): bigint {
  const row = /^CapEff:\s*([0-9a-f]+)/m.exec(readText("/proc/self/status"));
  return row === null ? 0n : BigInt(`0x${row[1]}`);
}

function unprivilegedSetting(): string {
  return readText("/proc/sys/kernel/unprivileged_bpf_disabled").trim() || "unknown";
}

function readText(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch {
    // A container may hide it; the phrase then says what is known.
    return "";
  }
}
