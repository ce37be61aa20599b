/** Flags of a map update (uapi/linux/bpf.h). */
export const UPDATE_FLAGS = {
  /** Create or replace. */
  BPF_ANY: 0,
  /** Only create. */
  BPF_NOEXIST: 1,
  /** Only replace. */
  BPF_EXIST: 2,
  /** Hold the value's spin lock while copying. */
  BPF_F_LOCK: 4,
} as const;

/** Flags of map creation (uapi/linux/bpf.h). */
export const MAP_FLAGS = {
  BPF_F_NO_PREALLOC: 1,
  BPF_F_NO_COMMON_LRU: 2,
  BPF_F_NUMA_NODE: 4,
  /** User space may only read. */
  BPF_F_RDONLY: 8,
  /** User space may only write. */
  BPF_F_WRONLY: 0x10,
  BPF_F_STACK_BUILD_ID: 0x20,
  BPF_F_ZERO_SEED: 0x40,
  /** Programs may only read. */
  BPF_F_RDONLY_PROG: 0x80,
  /** Programs may only write. */
  BPF_F_WRONLY_PROG: 0x100,
  BPF_F_CLONE: 0x200,
  BPF_F_MMAPABLE: 0x400,
  BPF_F_PRESERVE_ELEMS: 0x800,
  /** An inner map of an array of maps may have another size than the template. */
  BPF_F_INNER_MAP: 0x1000,
  BPF_F_LINK: 0x2000,
  BPF_F_VTYPE_BTF_OBJ_FD: 0x8000,
  BPF_F_TOKEN_FD: 0x10000,
  BPF_F_SEGV_ON_FAULT: 0x20000,
  BPF_F_NO_USER_CONV: 0x40000,
} as const;

/** Flags of a program load (uapi/linux/bpf.h). */
export const LOAD_FLAGS = {
  BPF_F_STRICT_ALIGNMENT: 1,
  BPF_F_ANY_ALIGNMENT: 2,
  BPF_F_TEST_RND_HI32: 4,
  BPF_F_TEST_STATE_FREQ: 8,
  BPF_F_SLEEPABLE: 0x10,
  /** The XDP program handles packets of several buffers; part of a program array's owner. */
  BPF_F_XDP_HAS_FRAGS: 0x20,
  BPF_F_XDP_DEV_BOUND_ONLY: 0x40,
  BPF_F_TEST_REG_INVARIANTS: 0x80,
} as const;
