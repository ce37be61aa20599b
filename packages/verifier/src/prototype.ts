import { type Btf, type BtfType, parseBtf, resolve, sizeOf, typeById } from "@bpfkit/btf";
import type { Program } from "@bpfkit/core";

/** One argument of a function as its BTF prototype has it. */
export type PrototypeArgument =
  | { readonly kind: "scalar" }
  | { readonly kind: "ctx" }
  /** A pointer to memory of known size; null unless said otherwise. */
  | { readonly kind: "mem"; readonly size: number; readonly nullable: boolean }
  | { readonly kind: "unsupported" };

/** A function's BTF prototype as the verifier needs it. */
export interface Prototype {
  readonly returnsScalar: boolean;
  readonly args: readonly PrototypeArgument[];
  /** Why a global function of this prototype cannot be called, in the kernel's words. */
  readonly problem: string | undefined;
}

/** The prototypes of a program's functions. */
export interface ProgramTypes {
  readonly hasFunctionInfo: boolean;
  readonly btf: Btf | undefined;
  /** By the slot the function begins at. */
  prototypeAt(slot: number): Prototype | undefined;
}

/** Structures that stand for the context of some program type, by their BTF names. */
const CONTEXT_STRUCTS: ReadonlySet<string> = new Set([
  "__sk_buff",
  "xdp_md",
  "bpf_sock",
  "bpf_sock_addr",
  "bpf_sock_ops",
  "sk_msg_md",
  "bpf_sk_lookup",
  "sk_reuseport_md",
  "bpf_sysctl",
  "bpf_sockopt",
  "bpf_cgroup_dev_ctx",
  "bpf_perf_event_data",
  "bpf_raw_tracepoint_args",
  "pt_regs",
  "user_pt_regs",
  "bpf_user_pt_regs_t",
  "bpf_nf_ctx",
]);

const NONE: ProgramTypes = { hasFunctionInfo: false, btf: undefined, prototypeAt: () => undefined };

const resolved = (btf: Btf, id: number): BtfType => typeById(btf, resolve(btf, id));

const isScalarType = (btf: Btf, id: number): boolean => {
  const { kind } = resolved(btf, id);
  return kind === "int" || kind === "enum" || kind === "enum64";
};

/** Tags clang writes for `__arg_ctx`, `__arg_nonnull` and the like: `arg:ctx` on parameter `component` of a function. */
function tagsOf(btf: Btf, functionId: number): ReadonlyMap<number, readonly string[]> {
  const tags = new Map<number, string[]>();
  for (let id = 1; id < btf.typeCount; id++) {
    const type = typeById(btf, id);
    if (type.kind !== "decl_tag" || type.type !== functionId || !type.name.startsWith("arg:")) continue;
    tags.set(type.component, [...(tags.get(type.component) ?? []), type.name.slice(4)]);
  }
  return tags;
}

function argumentOf(btf: Btf, id: number, tags: readonly string[]): PrototypeArgument {
  const type = resolved(btf, id);
  if (isScalarType(btf, id)) return { kind: "scalar" };
  if (type.kind !== "ptr") return { kind: "unsupported" };
  const target = resolved(btf, type.type);
  if (tags.includes("ctx") || CONTEXT_STRUCTS.has(target.name)) return { kind: "ctx" };
  if (target.kind === "void") return { kind: "unsupported" };
  try {
    return { kind: "mem", size: sizeOf(btf, type.type), nullable: !tags.includes("nonnull") };
  } catch {
    return { kind: "unsupported" };
  }
}

function prototypeOf(btf: Btf, functionId: number): Prototype | undefined {
  const fn = typeById(btf, functionId);
  if (fn.kind !== "func") return undefined;
  const proto = typeById(btf, fn.type);
  if (proto.kind !== "func_proto") return undefined;
  const returnsScalar = isScalarType(btf, proto.returns);
  const tags = tagsOf(btf, functionId);
  const args = proto.params.map(({ type }, index) => argumentOf(btf, type, tags.get(index) ?? []));
  const unsupported = args.findIndex(({ kind }) => kind === "unsupported");
  let problem: string | undefined;
  if (args.length > 5) problem = `Global function ${fn.name}() with ${args.length} > 5 args. Buggy compiler.`;
  else if (!returnsScalar) {
    problem = `Global function ${fn.name}() doesn't return scalar. Only those are supported.`;
  } else if (unsupported >= 0) problem = `Arg#${unsupported} type in ${fn.name}() is not supported yet.`;
  return { returnsScalar, args, problem };
}

/** Reads the prototypes of a program's functions. @throws {BtfError} where its BTF is damaged. */
export function programTypes(program: Program): ProgramTypes {
  if (program.btf === undefined || program.btf.functions.length === 0) return NONE;
  const btf = parseBtf(program.btf.types);
  const ids = new Map(program.btf.functions.map(({ slot, typeId }) => [Number(slot), typeId]));
  return {
    hasFunctionInfo: true,
    btf,
    prototypeAt: (slot) => {
      const id = ids.get(slot);
      return id === undefined ? undefined : prototypeOf(btf, id);
    },
  };
}
