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
  BPF_F_NO_PREALLOC: 1 << 0,
  BPF_F_NO_COMMON_LRU: 1 << 1,
  BPF_F_NUMA_NODE: 1 << 2,
  /** User space may only read. */
  BPF_F_RDONLY: 1 << 3,
  /** User space may only write. */
  BPF_F_WRONLY: 1 << 4,
  BPF_F_STACK_BUILD_ID: 1 << 5,
  BPF_F_ZERO_SEED: 1 << 6,
  /** Programs may only read. */
  BPF_F_RDONLY_PROG: 1 << 7,
  /** Programs may only write. */
  BPF_F_WRONLY_PROG: 1 << 8,
  BPF_F_CLONE: 1 << 9,
  BPF_F_MMAPABLE: 1 << 10,
  BPF_F_PRESERVE_ELEMS: 1 << 11,
  /** An inner map of an array of maps may have another size than the template. */
  BPF_F_INNER_MAP: 1 << 12,
  BPF_F_LINK: 1 << 13,
  BPF_F_VTYPE_BTF_OBJ_FD: 1 << 15,
  BPF_F_TOKEN_FD: 1 << 16,
  BPF_F_SEGV_ON_FAULT: 1 << 17,
  BPF_F_NO_USER_CONV: 1 << 18,
} as const;

/** Flags of a program load (uapi/linux/bpf.h). */
export const LOAD_FLAGS = {
  BPF_F_STRICT_ALIGNMENT: 1 << 0,
  BPF_F_ANY_ALIGNMENT: 1 << 1,
  BPF_F_TEST_RND_HI32: 1 << 2,
  BPF_F_TEST_STATE_FREQ: 1 << 3,
  BPF_F_SLEEPABLE: 1 << 4,
  /** The XDP program handles packets of several buffers; part of a program array's owner. */
  BPF_F_XDP_HAS_FRAGS: 1 << 5,
  BPF_F_XDP_DEV_BOUND_ONLY: 1 << 6,
  BPF_F_TEST_REG_INVARIANTS: 1 << 7,
} as const;
