/**
 * Kernel functions that programs may call by BTF (kfuncs), as far as they are known here: arguments and flags as Linux
 * 6.18 registers them (`BTF_ID_FLAGS` in kernel/bpf/helpers.c), each since the version it appeared in.
 */

/** What an argument must be. */
export type KfuncArgumentKind =
  /** Any number. */
  | "scalar"
  /** A pointer to an iterator on the stack, in the state that the function's role asks for. */
  | "iterator";

/** What r0 is after the call. `int_pointer`: a pointer to an `int` that the program may read. */
export type KfuncReturnKind = "integer" | "void" | "int_pointer";

/** An open-coded iterator's constructor, step or destructor (`KF_ITER_NEW`, `KF_ITER_NEXT`, `KF_ITER_DESTROY`). */
export interface KfuncIterator {
  /** The iterator's type as the kernel's words have it, behind `iter_`. */
  readonly type: string;
  readonly role: "new" | "next" | "destroy";
  /** Bytes of its structure, a multiple of 8. */
  readonly bytes: number;
}

/** A region that must be left as often as it is entered: under RCU (not nested), or without preemption (nested). */
export interface KfuncRegion {
  readonly kind: "rcu" | "preempt";
  readonly edge: "begin" | "end";
}

/** A kernel function as the verifier sees it. */
export interface Kfunc {
  /** The kernel's name, whole. */
  readonly name: string;
  /** The first version of Linux that has it. */
  readonly since: string;
  readonly args: readonly KfuncArgumentKind[];
  readonly returns: KfuncReturnKind;
  readonly iterator?: KfuncIterator;
  /** A region of code that it begins or ends. */
  readonly region?: KfuncRegion;
  /** May be called while a `bpf_spin_lock` is held (`kfunc_spin_allowed`). */
  readonly spinAllowed: boolean;
}

const NUMBERS = { type: "num", bytes: 8 } as const;

function region(name: string, since: string, edge: KfuncRegion): Kfunc {
  return { name, since, args: [], returns: "void", region: edge, spinAllowed: false };
}

/** Programs of every type may call these (`BTF_KFUNC_HOOK_COMMON`), if their license is compatible with the GPL. */
export const KFUNCS: readonly Kfunc[] = [
  {
    name: "bpf_iter_num_new",
    since: "6.4",
    args: ["iterator", "scalar", "scalar"],
    returns: "integer",
    iterator: { ...NUMBERS, role: "new" },
    spinAllowed: true,
  },
  {
    name: "bpf_iter_num_next",
    since: "6.4",
    args: ["iterator"],
    returns: "int_pointer",
    iterator: { ...NUMBERS, role: "next" },
    spinAllowed: true,
  },
  {
    name: "bpf_iter_num_destroy",
    since: "6.4",
    args: ["iterator"],
    returns: "void",
    iterator: { ...NUMBERS, role: "destroy" },
    spinAllowed: true,
  },
  region("bpf_rcu_read_lock", "6.2", { kind: "rcu", edge: "begin" }),
  region("bpf_rcu_read_unlock", "6.2", { kind: "rcu", edge: "end" }),
  region("bpf_preempt_disable", "6.10", { kind: "preempt", edge: "begin" }),
  region("bpf_preempt_enable", "6.10", { kind: "preempt", edge: "end" }),
];

const byName: ReadonlyMap<string, Kfunc> = new Map(KFUNCS.map((kfunc) => [kfunc.name, kfunc]));

/** A kernel function by its name; undefined where it is not known here. */
export const kfuncByName = (name: string): Kfunc | undefined => byName.get(name);
