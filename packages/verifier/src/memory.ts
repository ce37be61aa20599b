import {
  type ContextValue,
  contextAccess,
  findContextRange,
  SOCKET_ACCESS,
  TCP_SOCKET_ACCESS,
  XDP_SOCKET_ACCESS,
} from "@bpfkit/abi";
import { checkAlignment } from "./alignment.js";
import { tnumText } from "./format-state.js";
import { accessMapStruct } from "./map-struct.js";
import {
  type Access,
  accessKptr,
  checkMapDirection,
  checkMapValue,
  checkPacket,
  checkRegion,
  kptrAt,
  loadedMapValue,
} from "./region-access.js";
import {
  baseType,
  CONST_PTR_TO_MAP,
  fixedOffset,
  isFixed,
  isPacketPointer,
  isSocketPointer,
  MAYBE_NULL,
  mayBeNull,
  PTR_TO_BTF_ID,
  PTR_TO_BUF,
  PTR_TO_CTX,
  PTR_TO_FLOW_KEYS,
  PTR_TO_MAP_KEY,
  PTR_TO_MAP_VALUE,
  PTR_TO_MEM,
  PTR_TO_PACKET,
  PTR_TO_PACKET_END,
  PTR_TO_PACKET_META,
  PTR_TO_SOCK_COMMON,
  PTR_TO_SOCKET,
  PTR_TO_STACK,
  PTR_TO_TCP_SOCK,
  PTR_TO_TP_BUFFER,
  PTR_TO_XDP_SOCK,
  pointer,
  RDONLY,
  type Register,
  SCALAR,
  typeName,
  UNKNOWN_SCALAR,
  unlinked,
  withNum,
} from "./register.js";
import { isZero, largestUnsigned, smallest } from "./scalar.js";
import { signExtend, truncate } from "./scalar-alu.js";
import { checkStackBounds, readStack, writeStack } from "./stack-access.js";
import { reg, reject, setReg, type Verification } from "./verification.js";

/** One access to memory: through which register, where, how. */
export interface MemoryAccess {
  /** The pointer's register. */
  readonly number: number;
  readonly off: number;
  readonly size: number;
  readonly access: Access;
  /** The register that is stored or loaded into; -1: none. */
  readonly value: number;
  readonly isSigned: boolean;
}

/** Bytes of `struct bpf_flow_keys`. */
const FLOW_KEYS = 56;

/** Types whose programs may write into packets directly; helpers may be given packets by these and the next ones. */
const PACKET_WRITERS: ReadonlySet<string> = new Set([
  "sched_cls",
  "sched_act",
  "xdp",
  "lwt_xmit",
  "sk_skb",
  "sk_msg",
  "cgroup_sockopt",
]);
const PACKET_READERS: ReadonlySet<string> = new Set([
  "lwt_in",
  "lwt_out",
  "lwt_seg6local",
  "sk_reuseport",
  "flow_dissector",
  "cgroup_skb",
]);

/** Whether programs of a type may use packet pointers at all. */
export function mayUsePackets(type: string, access: Access): boolean {
  return PACKET_WRITERS.has(type) || (access === "read" && PACKET_READERS.has(type));
}

const CONTEXT_POINTERS: Readonly<Record<ContextValue, number>> = {
  scalar: SCALAR,
  packet: PTR_TO_PACKET,
  packet_meta: PTR_TO_PACKET_META,
  packet_end: PTR_TO_PACKET_END,
  flow_keys: PTR_TO_FLOW_KEYS,
  socket: PTR_TO_SOCKET,
  socket_or_null: PTR_TO_SOCKET | MAYBE_NULL,
  sock_common_or_null: PTR_TO_SOCK_COMMON | MAYBE_NULL,
  tp_buffer: PTR_TO_TP_BUFFER,
};

/** Attach types the kernel assumes where none is given. */
const DEFAULT_ATTACH: Readonly<Record<string, string>> = {
  cgroup_sock: "cgroup_inet_sock_create",
  sk_reuseport: "sk_reuseport_select",
};

/** Refuses a pointer that was moved: it must point to the start of what it is for. */
export function checkUnmoved(v: Verification, r: Register, number: number, fixedOffsetAllowed = false): void {
  if (r.off < 0) reject(v, "EACCES", `negative offset ${typeName(r.type)} ptr R${number} off=${r.off} disallowed`);
  if (!fixedOffsetAllowed && r.off !== 0) {
    reject(v, "EACCES", `dereference of modified ${typeName(r.type)} ptr R${number} off=${r.off} disallowed`);
  }
  if (isZero(r.num)) return;
  reject(v, "EACCES", `variable ${typeName(r.type)} access var_off=${tnumText(r.num)} disallowed`);
}

function accessContext(v: Verification, a: MemoryAccess, off: number): Register {
  const r = reg(v, a.number);
  checkUnmoved(v, r, a.number);
  const { type, expectedAttachType } = v.program;
  const rules = contextAccess(type);
  const attach = expectedAttachType ?? DEFAULT_ATTACH[type];
  const range = rules === undefined ? undefined : findContextRange(rules, off, a.size, a.access, attach);
  const isPointer = range !== undefined && range.pointer !== "scalar";
  if (range === undefined || (isPointer && a.isSigned)) {
    reject(v, "EACCES", `invalid bpf_context access off=${off} size=${a.size}`);
  }
  if (!isPointer) return UNKNOWN_SCALAR;
  const loaded = CONTEXT_POINTERS[range.pointer];
  return pointer(loaded, mayBeNull(loaded) ? ++v.nextId : 0);
}

function accessMapValue(v: Verification, a: MemoryAccess, off: number): Register {
  const r = reg(v, a.number);
  const map = r.map!;
  checkMapDirection(v, map, off, a.size, a.access);
  checkMapValue(v, a.number, off, a.size, false, false);
  const field = isFixed(r) ? kptrAt(map, off + fixedOffset(r)) : undefined;
  if (field !== undefined) return accessKptr(v, field, a.value) ?? UNKNOWN_SCALAR;
  return a.access === "read" ? loadedMapValue(map, r, off, a.size, a.isSigned) : UNKNOWN_SCALAR;
}

function accessMemory(v: Verification, a: MemoryAccess, off: number): Register {
  const r = reg(v, a.number);
  if (mayBeNull(r.type)) reject(v, "EACCES", `R${a.number} invalid mem access '${typeName(r.type)}'`);
  if (a.access === "write" && (r.type & RDONLY) !== 0) {
    reject(v, "EACCES", `R${a.number} cannot write into ${typeName(r.type)}`);
  }
  checkRegion(v, a.number, off, a.size, r.aux, false);
  return UNKNOWN_SCALAR;
}

function accessPacket(v: Verification, a: MemoryAccess, off: number): Register {
  if (a.access === "write" && !mayUsePackets(v.program.type, "write")) reject(v, "EACCES", "cannot write into packet");
  checkPacket(v, a.number, off, a.size, false);
  return UNKNOWN_SCALAR;
}

function accessSocket(v: Verification, a: MemoryAccess, off: number): Register {
  const r = reg(v, a.number);
  if (a.access === "write") reject(v, "EACCES", `R${a.number} cannot write into ${typeName(r.type)}`);
  if (smallest(r.num) < 0) {
    const what = "min value is negative, either use unsigned index or do a if (index >=0) check.";
    reject(v, "EACCES", `R${a.number} ${what}`);
  }
  const isTcp = r.type === PTR_TO_TCP_SOCK;
  const rules = isTcp ? TCP_SOCKET_ACCESS : r.type === PTR_TO_XDP_SOCK ? XDP_SOCKET_ACCESS : SOCKET_ACCESS;
  // Only a full socket has a type, a protocol, a mark and a priority.
  const isHidden = r.type === PTR_TO_SOCK_COMMON && off >= 8 && off < 24;
  if (isHidden || findContextRange(rules, off, a.size, "read") === undefined) {
    reject(v, "EACCES", `R${a.number} invalid ${typeName(r.type)} access off=${off} size=${a.size}`);
  }
  return UNKNOWN_SCALAR;
}

/** Refuses an access to a buffer whose size only the attach point knows, unless its offset is fixed. */
export function checkBuffer(v: Verification, number: number, off: number, size: number, what: string): void {
  const r = reg(v, number);
  if (off < 0) reject(v, "EACCES", `R${number} invalid ${what} buffer access: off=${off}, size=${size}`);
  if (isZero(r.num)) return;
  reject(v, "EACCES", `R${number} invalid variable buffer offset: off=${off}, var_off=${tnumText(r.num)}`);
}

function accessBuffer(v: Verification, a: MemoryAccess, off: number): Register {
  const r = reg(v, a.number);
  const isReadOnly = (r.type & RDONLY) !== 0;
  if (isReadOnly && a.access === "write") reject(v, "EACCES", `R${a.number} cannot write into ${typeName(r.type)}`);
  checkBuffer(v, a.number, off, a.size, isReadOnly ? "rdonly" : "rdwr");
  return UNKNOWN_SCALAR;
}

/** Memory of a kernel structure: what lies where is the kernel's BTF's to say, so loads give numbers. */
export function accessStruct(v: Verification, number: number, off: number, size: number, access: Access): Register {
  const r = reg(v, number);
  const name = `R${number} is ptr_${r.struct}`;
  if (off < 0) reject(v, "EACCES", `${name} invalid negative access: off=${off}`);
  if (!isZero(r.num)) {
    reject(v, "EACCES", `${name} invalid variable offset: off=${off}, var_off=${tnumText(r.num)}`);
  }
  if (access === "write") reject(v, "EACCES", "only read is supported");
  if (r.aux !== 0 && off + size > r.aux) {
    reject(v, "EACCES", `access beyond struct ${r.struct} at off ${off} size ${size}`);
  }
  return UNKNOWN_SCALAR;
}

function accessKey(v: Verification, a: MemoryAccess, off: number): Register {
  if (a.access === "write") reject(v, "EACCES", `write to change key R${a.number} not allowed`);
  checkRegion(v, a.number, off, a.size, reg(v, a.number).map!.spec.keySize, false);
  return UNKNOWN_SCALAR;
}

function accessFlowKeys(v: Verification, a: MemoryAccess, off: number): Register {
  if (off < 0 || off + a.size > FLOW_KEYS) {
    reject(v, "EACCES", `invalid access to flow keys off=${off} size=${a.size}`);
  }
  return UNKNOWN_SCALAR;
}

function accessByKind(v: Verification, a: MemoryAccess, off: number): Register | undefined {
  const { type } = reg(v, a.number);
  switch (baseType(type)) {
    case PTR_TO_MAP_KEY:
      return accessKey(v, a, off);
    case PTR_TO_MEM:
      return accessMemory(v, a, off);
    case PTR_TO_BTF_ID:
      return mayBeNull(type) ? undefined : accessStruct(v, a.number, off, a.size, a.access);
    case PTR_TO_BUF:
      return mayBeNull(type) ? undefined : accessBuffer(v, a, off);
  }
  if (type === PTR_TO_MAP_VALUE) return accessMapValue(v, a, off);
  if (type === PTR_TO_CTX) return accessContext(v, a, off);
  if (isPacketPointer(type)) return accessPacket(v, a, off);
  if (type === PTR_TO_FLOW_KEYS) return accessFlowKeys(v, a, off);
  if (isSocketPointer(type)) return accessSocket(v, a, off);
  if (type === CONST_PTR_TO_MAP) return accessMapStruct(v, a, off);
  if (type === PTR_TO_TP_BUFFER) {
    checkBuffer(v, a.number, off, a.size, "tracepoint");
    return UNKNOWN_SCALAR;
  }
  return undefined;
}

function accessStack(v: Verification, a: MemoryAccess, off: number): Register | undefined {
  checkStackBounds(v, a.number, off, a.size, a.access);
  if (a.access === "read") return readStack(v, a.number, off, a.size, a.value >= 0);
  writeStack(v, a.number, off, a.size, a.value);
  return undefined;
}

/** Checks one access to memory; a load changes the register it loads into. */
export function accessMemoryAt(v: Verification, a: MemoryAccess, strictOnce = false): void {
  const r = reg(v, a.number);
  checkAlignment(v, r, a.off, a.size, strictOnce);
  const off = a.off + r.off;
  let loaded: Register | undefined;
  if (r.type === PTR_TO_STACK) loaded = accessStack(v, a, off);
  else {
    loaded = accessByKind(v, a, off);
    if (loaded === undefined) reject(v, "EACCES", `R${a.number} invalid mem access '${typeName(r.type)}'`);
  }
  if (a.access !== "read" || a.value < 0 || loaded === undefined) return;
  setReg(v, a.value, loaded.type === SCALAR && a.size < 8 ? extended(loaded, a) : loaded);
}

/**
 * What a load of less than 8 bytes leaves of a number. One whose sign may have been extended is no longer the number on the
 * stack: Linux 6.18 keeps the link even there, and then claims of that number what is true of this one only.
 */
function extended(loaded: Register, { isSigned, size }: MemoryAccess): Register {
  if (!isSigned) return withNum(loaded, truncate(loaded.num, size));
  const num = signExtend(loaded.num, size, false);
  const isSame = largestUnsigned(loaded.num) < 2 ** (8 * size - 1);
  return isSame ? withNum(loaded, num) : unlinked(withNum(loaded, num));
}

/** Kinds a load or store must not be made through on one path and through another kind on another. */
function mustStay(type: number): boolean {
  const base = baseType(type);
  return type === PTR_TO_CTX || isSocketPointer(base) || base === PTR_TO_BTF_ID;
}

/** Refuses an instruction that on one path goes through another kind of pointer than on an earlier one. */
export function checkOnePointerKind(v: Verification, type: number, mayLoseTrust: boolean): void {
  const before = v.slots.pointerType[v.slot]!;
  if (before === 0) v.slots.pointerType[v.slot] = type;
  else if (before !== type && (mustStay(type) || mustStay(before))) {
    if (mayLoseTrust && baseType(type) === PTR_TO_BTF_ID && baseType(before) === PTR_TO_BTF_ID) return;
    reject(v, "EINVAL", "same insn cannot be used with different pointers");
  }
}
