import type { MapInfo } from "./map-info.js";
import { isKnown, isZero, known, type Scalar, smallest, UNKNOWN, ZERO } from "./scalar.js";

// What a register holds: a base kind and marks, as the kernel's `bpf_reg_type`. Numbers, for they are compared at every
// instruction.
export const NOT_INIT = 0;
export const SCALAR = 1;
export const PTR_TO_CTX = 2;
export const CONST_PTR_TO_MAP = 3;
export const PTR_TO_MAP_VALUE = 4;
export const PTR_TO_MAP_KEY = 5;
export const PTR_TO_STACK = 6;
export const PTR_TO_PACKET_META = 7;
export const PTR_TO_PACKET = 8;
export const PTR_TO_PACKET_END = 9;
export const PTR_TO_FLOW_KEYS = 10;
export const PTR_TO_SOCKET = 11;
export const PTR_TO_SOCK_COMMON = 12;
export const PTR_TO_TCP_SOCK = 13;
export const PTR_TO_TP_BUFFER = 14;
export const PTR_TO_XDP_SOCK = 15;
export const PTR_TO_BTF_ID = 16;
export const PTR_TO_MEM = 17;
export const PTR_TO_BUF = 18;
export const PTR_TO_FUNC = 19;
export const CONST_PTR_TO_DYNPTR = 20;

const BASE_MASK = 0xff;

/** The pointer may be null. */
export const MAYBE_NULL: number = 1 << 8;
export const RDONLY: number = 1 << 9;
/** Memory of a ring buffer record. */
export const RINGBUF: number = 1 << 10;
export const PERCPU: number = 1 << 11;
export const UNTRUSTED: number = 1 << 12;
export const TRUSTED: number = 1 << 13;
export const RCU: number = 1 << 14;

/** The base kind without marks. */
export const baseType = (type: number): number => type & BASE_MASK;
export const mayBeNull = (type: number): boolean => (type & MAYBE_NULL) !== 0;

/** A mark in `id`: the scalar is a linked one plus `off`, added in 64 bits. */
export const ADD_CONST64: number = 1 << 30;
/** The same, added in 32 bits, the high half cleared. */
export const ADD_CONST32: number = 1 << 29;
/** Either mark. */
export const ADD_CONST: number = ADD_CONST64 | ADD_CONST32;

/** The packet pointer was compared and is at the packet's end, or past it. */
export const AT_PACKET_END = -1;
export const BEYOND_PACKET_END = -2;

/**
 * What is known of one register or spilled slot. Never changes, so states share it; everything that is said about a
 * register anew makes a new one.
 */
export interface Register {
  readonly type: number;
  /** A pointer's fixed offset; of a scalar with a mark of `ADD_CONST`, the constant. */
  readonly off: number;
  /** The number, or a pointer's variable offset. */
  readonly num: Scalar;
  /** Scalars with one id are the same number; pointers with one id have the same origin. 0: none. */
  readonly id: number;
  /** The acquired reference it stands for; 0: none. */
  readonly ref: number;
  /**
   * By kind. Packet: bytes known to be readable from `off` 0 on, or a mark. Stack: the frame. Memory: its size.
   * Function: the subprogram. Map pointer, key, value: the lookup an inner map came from.
   */
  readonly aux: number;
  /** The map, for kinds that have one. */
  readonly map: MapInfo | undefined;
  /** The kernel structure of a `PTR_TO_BTF_ID`. */
  readonly struct: string;
  /** The dynptr whose memory this is; 0: none. */
  readonly dynptr: number;
}

/** Makes a register; all have their fields in one order, so that reading them stays fast. */
export function register(
  type: number,
  num: Scalar,
  off = 0,
  id = 0,
  ref = 0,
  aux = 0,
  map: MapInfo | undefined = undefined,
  struct = "",
  dynptr = 0,
): Register {
  return { type, off, num, id, ref, aux, map, struct, dynptr };
}

export const UNINITIALISED: Register = register(NOT_INIT, UNKNOWN);
export const UNKNOWN_SCALAR: Register = register(SCALAR, UNKNOWN);
export const ZERO_SCALAR: Register = register(SCALAR, ZERO);
export const CONTEXT: Register = register(PTR_TO_CTX, ZERO);

/** A scalar that is linked to no other. */
export function scalarRegister(num: Scalar): Register {
  return num === UNKNOWN ? UNKNOWN_SCALAR : register(SCALAR, num);
}

/** A pointer at its start. */
export function pointer(type: number, id = 0, aux = 0): Register {
  return register(type, ZERO, 0, id, 0, aux);
}

/** A copy with another number and link. */
export function withNum(r: Register, num: Scalar): Register {
  return r.num === num ? r : register(r.type, num, r.off, r.id, r.ref, r.aux, r.map, r.struct, r.dynptr);
}

/** A copy with another kind, identity and reference. */
export function withType(r: Register, type: number, id: number, ref: number): Register {
  return register(type, r.num, r.off, id, ref, r.aux, r.map, r.struct, r.dynptr);
}

/** A copy with another identity. */
export function withId(r: Register, id: number): Register {
  return register(r.type, r.num, r.off, id, r.ref, r.aux, r.map, r.struct, r.dynptr);
}

/** A scalar that no longer belongs to its linked ones. */
export function unlinked(r: Register): Register {
  return r.id === 0 && r.off === 0 ? r : register(r.type, r.num, 0, 0, r.ref, r.aux, r.map, r.struct, r.dynptr);
}

/** Whether it is the number 0, which is also a null pointer. */
export const isNull = (r: Register): boolean => r.type === SCALAR && isZero(r.num);

/** Whether the variable part of a pointer's offset (or the number) is known. */
export const isFixed = (r: Register): boolean => isKnown(r.num);

/** A known variable part as a signed number. */
export const fixedOffset = (r: Register): number => smallest(r.num);

export const isPacketPointer = (type: number): boolean => type === PTR_TO_PACKET || type === PTR_TO_PACKET_META;

export const isSocketPointer = (type: number): boolean =>
  type === PTR_TO_SOCKET || type === PTR_TO_SOCK_COMMON || type === PTR_TO_TCP_SOCK || type === PTR_TO_XDP_SOCK;

const BASE_NAMES: Readonly<Record<number, string>> = {
  [NOT_INIT]: "?",
  [SCALAR]: "scalar",
  [PTR_TO_CTX]: "ctx",
  [CONST_PTR_TO_MAP]: "map_ptr",
  [PTR_TO_MAP_VALUE]: "map_value",
  [PTR_TO_MAP_KEY]: "map_key",
  [PTR_TO_STACK]: "fp",
  [PTR_TO_PACKET_META]: "pkt_meta",
  [PTR_TO_PACKET]: "pkt",
  [PTR_TO_PACKET_END]: "pkt_end",
  [PTR_TO_FLOW_KEYS]: "flow_keys",
  [PTR_TO_SOCKET]: "sock",
  [PTR_TO_SOCK_COMMON]: "sock_common",
  [PTR_TO_TCP_SOCK]: "tcp_sock",
  [PTR_TO_TP_BUFFER]: "tp_buffer",
  [PTR_TO_XDP_SOCK]: "xdp_sock",
  [PTR_TO_BTF_ID]: "ptr_",
  [PTR_TO_MEM]: "mem",
  [PTR_TO_BUF]: "buf",
  [PTR_TO_FUNC]: "func",
  [CONST_PTR_TO_DYNPTR]: "dynptr_ptr",
};

const MARK_NAMES: readonly (readonly [mark: number, prefix: string])[] = [
  [RDONLY, "rdonly_"],
  [RINGBUF, "ringbuf_"],
  [PERCPU, "percpu_"],
  [RCU, "rcu_"],
  [UNTRUSTED, "untrusted_"],
  [TRUSTED, "trusted_"],
];

/** A kind in the kernel's words: `map_value_or_null`, `untrusted_ptr_`, … */
export function typeName(type: number): string {
  const base = baseType(type);
  const prefix = MARK_NAMES.filter(([mark]) => (type & mark) !== 0).map(([, text]) => text);
  const suffix = mayBeNull(type) ? (base === PTR_TO_BTF_ID ? "or_null_" : "_or_null") : "";
  return `${prefix.join("")}${BASE_NAMES[base]}${suffix}`;
}

/** The frame pointers of up to 8 frames. */
export const FRAME_POINTERS: readonly Register[] = Array.from({ length: 16 }, (_, frame) =>
  pointer(PTR_TO_STACK, 0, frame),
);

/** The scalar register of a known number. */
export const knownRegister = (value: bigint): Register => register(SCALAR, known(value));
