import { type ProgramBtf, type SlotIndex, slotIndex } from "@bpfkit/core";
import { encodeBtf } from "./encode.js";
import type { BtfType } from "./type.js";

/** A C type of an argument or result, as far as the verifier asks for it; `ctx` is a pointer to the program's context. */
export type SignatureType = "void" | "int" | "u64" | "int*" | "ctx";

/** A function of a program described for the verifier. */
export interface FunctionSignature {
  readonly name: string;
  /** Its first slot. */
  readonly slot: number;
  /** `static` where left out. */
  readonly linkage?: "static" | "global";
  /** None where left out. */
  readonly args?: readonly SignatureType[];
  /** `int` where left out. */
  readonly ret?: SignatureType;
}

/** What `ctx` points to, by program type: the verifier knows a context by the name of its struct (`bpf_ctx_convert`). */
const CONTEXT_STRUCTS: Readonly<Record<string, string>> = {
  xdp: "xdp_md",
  sk_msg: "sk_msg_md",
  sk_lookup: "bpf_sk_lookup",
  sk_reuseport: "sk_reuseport_md",
  sock_ops: "bpf_sock_ops",
  cgroup_sock: "bpf_sock",
  cgroup_sock_addr: "bpf_sock_addr",
  cgroup_sockopt: "bpf_sockopt",
  cgroup_sysctl: "bpf_sysctl",
  kprobe: "bpf_user_pt_regs_t",
  perf_event: "bpf_perf_event_data",
};

/** Types every section has, with the ids 1 to 5. */
const IDS: Readonly<Record<SignatureType, number>> = { void: 0, int: 1, u64: 2, "int*": 3, ctx: 5 };

function commonTypes(programType: string): BtfType[] {
  const struct = CONTEXT_STRUCTS[programType] ?? "__sk_buff";
  return [
    { kind: "int", name: "int", size: 4, bits: 32, offset: 0, encoding: 1 },
    { kind: "int", name: "unsigned long long", size: 8, bits: 64, offset: 0, encoding: 0 },
    { kind: "ptr", name: "", type: IDS.int },
    { kind: "struct", name: struct, size: 0, members: [] },
    { kind: "ptr", name: "", type: 4 },
  ];
}

/**
 * The smallest BTF that tells the kernel each function's name, linkage, arguments and result, for a program that came
 * without. A tail call in a subprogram needs it, a callback, and a global function.
 * @throws {BtfError} `BAD_VALUE` for a name with a zero byte.
 */
export function functionBtf(functions: readonly FunctionSignature[], programType = "socket_filter"): ProgramBtf {
  const types = commonTypes(programType);
  const rows: { slot: SlotIndex; typeId: number }[] = [];
  for (const { name, slot, linkage = "static", args = [], ret = "int" } of functions) {
    const params = args.map((type, i) => ({ name: `a${i + 1}`, type: IDS[type] }));
    // Ids count from 1, so the length is the id of what was added last.
    const prototype = types.push({ kind: "func_proto", name: "", returns: IDS[ret], params });
    rows.push({ slot: slotIndex(slot), typeId: types.push({ kind: "func", name, type: prototype, linkage }) });
  }
  return { types: encodeBtf(types), functions: rows, lines: new Uint32Array() };
}
