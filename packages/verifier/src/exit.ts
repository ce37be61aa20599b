import { checkRead } from "./alu.js";
import { checkReturnRange, leaveFrame } from "./calls.js";
import { markPrecise } from "./precision.js";
import { checkNothingHeld } from "./references.js";
import { SCALAR, typeName } from "./register.js";
import { frameOf, reg, reject, type Verification } from "./verification.js";

type Range = readonly [min: number, max: number];

const ANY_BOOLEAN: Range = [0, 1];

/** Attach types of `cgroup_sock_addr` that must let the call go on. */
const MUST_PASS = /recvmsg|getpeername|getsockname/;

/** What programs of a type may return (Linux `check_return_code`); undefined: anything. */
function returnRange(type: string, attach: string): Range | undefined {
  switch (type) {
    case "cgroup_sock_addr":
      if (MUST_PASS.test(attach)) return [1, 1];
      return attach === "cgroup_inet4_bind" || attach === "cgroup_inet6_bind" ? [0, 3] : ANY_BOOLEAN;
    case "cgroup_skb":
      return attach === "cgroup_inet_egress" ? [0, 3] : ANY_BOOLEAN;
    case "cgroup_sock":
    case "sock_ops":
    case "cgroup_device":
    case "cgroup_sysctl":
    case "cgroup_sockopt":
    case "sk_lookup":
    case "netfilter":
      return ANY_BOOLEAN;
    case "tracing":
      if (attach === "trace_fentry" || attach === "trace_fexit") return [0, 0];
      return attach === "trace_iter" ? ANY_BOOLEAN : undefined;
    case "kprobe":
      return /^trace_[ku]probe_session$/.test(attach) ? ANY_BOOLEAN : undefined;
    default:
      return undefined;
  }
}

/** The end of the entry, of a global function or of a timer's callback: r0 must be set, and fit. */
function checkReturnCode(v: Verification): void {
  checkRead(v, 0);
  const r0 = reg(v, 0);
  const frame = v.state.frames[0]!;
  if (frame.subprogram !== 0 && !frame.isAsync) {
    if (r0.type === SCALAR) return;
    reject(v, "EINVAL", `At subprogram exit the register R0 is not a scalar value (${typeName(r0.type)})`);
  }
  const range = frame.isAsync ? ([0, 0] as const) : returnRange(v.program.type, v.program.expectedAttachType ?? "");
  if (range === undefined) return;
  const when = frame.isAsync ? "At async callback return" : "At program exit";
  if (r0.type !== SCALAR) {
    reject(v, "EINVAL", `${when} the register R0 is not a known value (${typeName(r0.type)})`);
  }
  markPrecise(v, 0);
  checkReturnRange(v, r0.num, range, when);
}

/** EXIT. True: the path ends here; else the walk goes on in the caller. */
export function checkExit(v: Verification): boolean {
  const { slot } = v;
  const { src, dst, imm } = v.code;
  // The offset is not looked at, as in the kernel.
  if (imm[slot] !== 0 || src[slot] !== 0 || dst[slot] !== 0 || v.code.opcode[slot] !== 0x95) {
    reject(v, "EINVAL", "BPF_EXIT uses reserved fields");
  }
  const isOuter = frameOf(v).index === 0;
  checkNothingHeld(v, "BPF_EXIT instruction in main prog", isOuter);
  if (!isOuter) {
    leaveFrame(v);
    return false;
  }
  checkReturnCode(v);
  return true;
}
