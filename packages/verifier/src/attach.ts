import { ATTACH_TYPES, programTypeByName } from "@bpfkit/abi";
import { isSleepable, reject, type Verification } from "./verification.js";

/** Types whose programs are checked against the kernel's type of what they attach to. */
const BY_TARGET: ReadonlySet<string> = new Set(["tracing", "lsm", "ext"]);

/** Types of which some programs may sleep; of `tracing` and `lsm` not all (`can_be_sleepable`). */
const MAY_SLEEP: ReadonlySet<string> = new Set(["kprobe", "struct_ops", "tracing", "lsm"]);
const NEVER_SLEEP: ReadonlySet<string> = new Set(["trace_raw_tp", "lsm_cgroup"]);

/** Some types are loaded for attach types of theirs alone (Linux `bpf_prog_load_check_attach`, which says no more). */
export function checkAttachType(v: Verification): void {
  if (v.program.type === "raw") return;
  const { attachTypes, checksAttachType, defaultAttachType } = programTypeByName(v.program.type);
  const attach = v.program.expectedAttachType ?? defaultAttachType ?? ATTACH_TYPES[0]!;
  if (checksAttachType && !attachTypes.includes(attach)) reject(v, "EINVAL");
}

/**
 * Whether it may sleep, and whether it is known what it attaches to (Linux `check_attach_btf_id`). Without that a tracing
 * program's arguments have no types, so there is nothing to verify them by.
 */
export function checkAttachTarget(v: Verification): void {
  const { type, expectedAttachType = "", attachTo } = v.program;
  if (type === "syscall") {
    if (!isSleepable(v)) reject(v, "EINVAL", "Syscall programs can only be sleepable");
    return;
  }
  if (isSleepable(v) && (!MAY_SLEEP.has(type) || NEVER_SLEEP.has(expectedAttachType))) {
    const words = "Only fentry/fexit/fmod_ret, lsm, iter, uprobe, and struct_ops programs can be sleepable";
    reject(v, "EINVAL", words);
  }
  if (attachTo !== undefined) return;
  if (type === "struct_ops") reject(v, "ENOTSUPP");
  if (BY_TARGET.has(type)) reject(v, "EINVAL", "Tracing programs must provide btf_id");
}
