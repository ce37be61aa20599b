import type { Program } from "@bpfkit/core";

/** `BPF_F_XDP_HAS_FRAGS`, the one load flag an owner remembers. */
const XDP_HAS_FRAGS = 1 << 5;

/** What all programs of one array have in common (Linux 6.18, `__bpf_prog_map_compatible`). */
export interface Owner {
  readonly type: string;
  readonly expectedAttachType: string;
  readonly xdpFrags: boolean;
}

/** What the kernel takes a program for that names no attach type: number 0, but for two types (`bpf_prog_load_fixup_attach_type`). */
const DEFAULT_ATTACH_TYPES: Readonly<Record<string, string>> = {
  cgroup_sock: "cgroup_inet_sock_create",
  sk_reuseport: "sk_reuseport_select",
};
const ATTACH_TYPE_0 = "cgroup_inet_ingress";

/** What a program would make of an array it is the first in. */
export function ownerOf(program: Program): Owner {
  const { type, expectedAttachType = DEFAULT_ATTACH_TYPES[type] ?? ATTACH_TYPE_0, flags = 0 } = program;
  return { type, expectedAttachType, xdpFrags: (flags & XDP_HAS_FRAGS) !== 0 };
}

/** Says how a program differs from what an array holds: "its type is xdp, the array's socket_filter"; undefined where it does not. */
export function ownerMismatch(owner: Owner, program: Program): string | undefined {
  const own = ownerOf(program);
  if (own.type !== owner.type) return `its type is ${own.type}, the array's ${owner.type}`;
  if (own.expectedAttachType !== owner.expectedAttachType)
    return `its expected attach type is ${own.expectedAttachType}, the array's ${owner.expectedAttachType}`;
  if (own.xdpFrags === owner.xdpFrags) return undefined;
  return own.xdpFrags
    ? "it has XDP frags, the array's programs do not"
    : "it has no XDP frags, the array's programs do";
}
