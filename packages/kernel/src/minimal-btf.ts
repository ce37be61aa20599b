import type { ProgramBtf, SlotIndex } from "@bpfkit/core";
import { slotIndex } from "@bpfkit/core";

/** A C type of an argument or result, as far as the verifier asks for it. */
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

/** BTF kinds used here (Documentation/bpf/btf.rst). */
const KIND = { int: 1, pointer: 2, array: 3, struct: 4, function: 12, prototype: 13 } as const;
const SIGNED = 1 << 24;

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

/**
 * The smallest BTF that tells the kernel each function's name, linkage, arguments and result. A tail call in a subprogram
 * needs it, a callback, and a global function. Types are named by the kernel's own (`int`, `struct __sk_buff`).
 */
export function functionBtf(functions: readonly FunctionSignature[], programType = "socket_filter"): ProgramBtf {
  const btf = new Builder();
  const int = btf.add("int", KIND.int, 0, 4, SIGNED | 32);
  const u64 = btf.add("unsigned long long", KIND.int, 0, 8, 64);
  const intPointer = btf.add("", KIND.pointer, 0, int);
  const struct = btf.add(CONTEXT_STRUCTS[programType] ?? "__sk_buff", KIND.struct, 0, 0);
  const context = btf.add("", KIND.pointer, 0, struct);
  const ids: Record<SignatureType, number> = { void: 0, int, u64, "int*": intPointer, ctx: context };

  const rows: { slot: SlotIndex; typeId: number }[] = [];
  for (const { name, slot, linkage = "static", args = [], ret = "int" } of functions) {
    const parameters = args.flatMap((type, i) => [btf.string(`a${i + 1}`), ids[type]]);
    const prototype = btf.add("", KIND.prototype, args.length, ids[ret], ...parameters);
    const typeId = btf.add(name, KIND.function, linkage === "global" ? 1 : 0, prototype);
    rows.push({ slot: slotIndex(slot), typeId });
  }
  return { types: btf.section(), functions: rows, lines: new Uint32Array() };
}

/** The smallest BTF for a map type that must have some: an `int` as key, `valueSize` bytes as value. */
export function storageBtf(valueSize: number): { types: Uint8Array; key: number; value: number } {
  const btf = new Builder();
  const key = btf.add("int", KIND.int, 0, 4, SIGNED | 32);
  const byte = btf.add("unsigned char", KIND.int, 0, 1, 8);
  const bytes = btf.add("", KIND.array, 0, 0, byte, key, valueSize);
  const value = btf.add("value", KIND.struct, 1, valueSize, btf.string("bytes"), bytes, 0);
  return { types: btf.section(), key, value };
}

/** Types in the order they are added, whose ids count from 1. */
class Builder {
  readonly #words: number[] = [];
  readonly #strings: Map<string, number> = new Map([["", 0]]);
  #text = "\0";
  #types = 0;

  /** Adds a `struct btf_type` and what follows it; returns its id. `size` is a type id for kinds that refer to one. */
  add(name: string, kind: number, count: number, size: number, ...rest: number[]): number {
    this.#words.push(this.string(name), (kind << 24) | count, size, ...rest);
    return ++this.#types;
  }

  string(text: string): number {
    let offset = this.#strings.get(text);
    if (offset === undefined) {
      offset = this.#text.length;
      this.#strings.set(text, offset);
      this.#text += `${text}\0`;
    }
    return offset;
  }

  section(): Uint8Array {
    return section(Uint32Array.from(this.#words), new TextEncoder().encode(this.#text));
  }
}

/** `struct btf_header`, then types, then strings. */
function section(types: Uint32Array, strings: Uint8Array): Uint8Array {
  const header = 24;
  const bytes = new Uint8Array(header + types.byteLength + strings.length);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, 0xeb9f, true);
  view.setUint8(2, 1);
  view.setUint32(4, header, true);
  view.setUint32(12, types.byteLength, true);
  view.setUint32(16, types.byteLength, true);
  view.setUint32(20, strings.length, true);
  bytes.set(new Uint8Array(types.buffer), header);
  bytes.set(strings, header + types.byteLength);
  return bytes;
}
