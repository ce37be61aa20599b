import type { HelperArgument, HelperArgumentKind, HelperPrototype } from "@bpfkit/abi";
import { checkAlignment } from "./alignment.js";
import { DYNPTR_BYTES, dynptrOf, placeForDynptr } from "./dynptr.js";
import { hasDirectValues, isConstant, type MapField, type MapInfo } from "./map-info.js";
import { accessStruct, checkBuffer, checkUnmoved, mayUsePackets } from "./memory.js";
import { markPrecise } from "./precision.js";
import {
  type Access,
  checkKptrMatch,
  checkMapDirection,
  checkMapValue,
  checkPacket,
  checkRegion,
} from "./region-access.js";
import {
  baseType,
  CONST_PTR_TO_DYNPTR,
  CONST_PTR_TO_MAP,
  fixedOffset,
  isFixed,
  isNull,
  isPacketPointer,
  MAYBE_NULL,
  mayBeNull,
  NOT_INIT,
  PERCPU,
  PTR_TO_BTF_ID,
  PTR_TO_BUF,
  PTR_TO_CTX,
  PTR_TO_FUNC,
  PTR_TO_MAP_KEY,
  PTR_TO_MAP_VALUE,
  PTR_TO_MEM,
  PTR_TO_PACKET,
  PTR_TO_PACKET_META,
  PTR_TO_SOCK_COMMON,
  PTR_TO_SOCKET,
  PTR_TO_STACK,
  PTR_TO_TCP_SOCK,
  PTR_TO_XDP_SOCK,
  RCU,
  RDONLY,
  type Register,
  RINGBUF,
  SCALAR,
  TRUSTED,
  typeName,
} from "./register.js";
import { isKnown } from "./scalar.js";
import { processKptr, processSpinLock, processTimer } from "./special-fields.js";
import { checkStackBounds, checkStackRange, type RawMemory } from "./stack-access.js";
import type { DynptrSlot } from "./stack-slot.js";
import { reg, reject, type Verification } from "./verification.js";

/** What the arguments of a call say together. */
export interface CallArguments extends RawMemory {
  readonly helper: HelperPrototype;
  map: MapInfo | undefined;
  mapUid: number;
  /** The argument whose reference is given back; 0: none. */
  releaseNumber: number;
  ref: number;
  /** Bytes of memory the helper returns. */
  memorySize: number;
  /** The largest size argument. */
  maxSize: bigint;
  subprogram: number;
  kptr: MapField | undefined;
  dynptr: DynptrSlot | undefined;
  /** The register of a key of known size, for maps whose lookups of known keys cannot fail. */
  keyNumber: number;
  /** A dynptr the call makes: register and kind. */
  newDynptr: { readonly number: number; readonly kind: DynptrSlot["kind"] } | undefined;
}

/** Sizes a variable size argument must stay below (`BPF_MAX_VAR_SIZ`). */
const MAX_SIZE = 1n << 29n;

const MEMORY: readonly number[] = [
  PTR_TO_STACK,
  PTR_TO_PACKET,
  PTR_TO_PACKET_META,
  PTR_TO_MAP_KEY,
  PTR_TO_MAP_VALUE,
  PTR_TO_MEM,
  PTR_TO_MEM | RINGBUF,
  PTR_TO_BUF,
  PTR_TO_BTF_ID | TRUSTED,
];
const SOCKETS: readonly number[] = [PTR_TO_SOCK_COMMON, PTR_TO_SOCKET, PTR_TO_TCP_SOCK, PTR_TO_XDP_SOCK];

/** Kinds of register each kind of argument takes, in the order messages list them. */
const COMPATIBLE: Readonly<Partial<Record<HelperArgumentKind, readonly number[]>>> = {
  map_key: MEMORY,
  map_value: MEMORY,
  mem: MEMORY,
  size: [SCALAR],
  size_or_zero: [SCALAR],
  alloc_size_or_zero: [SCALAR],
  scalar: [SCALAR],
  map: [CONST_PTR_TO_MAP],
  ctx: [PTR_TO_CTX],
  sock_common: SOCKETS,
  btf_id_sock_common: [...SOCKETS, PTR_TO_BTF_ID, PTR_TO_BTF_ID | TRUSTED],
  socket: [PTR_TO_SOCKET],
  btf_id: [PTR_TO_BTF_ID, PTR_TO_BTF_ID | TRUSTED, PTR_TO_BTF_ID | RCU],
  spin_lock: [PTR_TO_MAP_VALUE, PTR_TO_BTF_ID],
  ringbuf_mem: [PTR_TO_MEM | RINGBUF],
  percpu_btf_id: [PTR_TO_BTF_ID | PERCPU, PTR_TO_BTF_ID | PERCPU | RCU, PTR_TO_BTF_ID | PERCPU | TRUSTED],
  func: [PTR_TO_FUNC],
  stack: [PTR_TO_STACK],
  const_str: [PTR_TO_MAP_VALUE],
  timer: [PTR_TO_MAP_VALUE],
  kptr_xchg_dest: [PTR_TO_MAP_VALUE, PTR_TO_BTF_ID],
  dynptr: [PTR_TO_STACK, CONST_PTR_TO_DYNPTR],
};

function checkStruct(
  v: Verification,
  r: Register,
  number: number,
  argument: HelperArgument,
  call: CallArguments,
): void {
  if (argument.kind === "mem") {
    if (!argument.readonly) {
      const what = `may write into memory pointed by R${number} type=${typeName(r.type)}`;
      reject(v, "EACCES", `bpf_${call.helper.name}() ${what}`);
    }
    return;
  }
  if (mayBeNull(r.type) && (!argument.nullable || argument.release)) {
    reject(v, "EACCES", `Possibly NULL pointer passed to helper arg${number}`);
  }
  if (call.kptr !== undefined) checkKptrMatch(v, call.kptr, r, number);
  else if (argument.struct !== undefined && argument.struct !== r.struct) {
    reject(v, "EACCES", `R${number} is of type ${r.struct} but ${argument.struct} is expected`);
  }
}

function checkKind(v: Verification, number: number, argument: HelperArgument, call: CallArguments): void {
  const r = reg(v, number);
  const accepted = COMPATIBLE[argument.kind] ?? [];
  let type = r.type;
  if (argument.readonly) type &= ~RDONLY;
  if (argument.nullable) type &= ~MAYBE_NULL;
  if (!accepted.includes(type)) {
    const list = accepted.map(typeName).join(", ");
    reject(v, "EACCES", `R${number} type=${typeName(r.type)} expected=${list}`);
  }
  if (baseType(r.type) === PTR_TO_BTF_ID && argument.kind !== "percpu_btf_id")
    checkStruct(v, r, number, argument, call);
}

const MAY_HAVE_OFFSET: ReadonlySet<number> = new Set([
  PTR_TO_STACK,
  PTR_TO_PACKET,
  PTR_TO_PACKET_META,
  PTR_TO_MAP_KEY,
  PTR_TO_MAP_VALUE,
  PTR_TO_MEM,
  PTR_TO_MEM | RDONLY,
  PTR_TO_MEM | RINGBUF,
  PTR_TO_BUF,
  PTR_TO_BUF | RDONLY,
  SCALAR,
]);

/** Refuses a pointer whose offset the argument cannot take. */
export function checkArgumentOffset(v: Verification, number: number, isRelease: boolean, isDynptr = false): void {
  const r = reg(v, number);
  if (isRelease) {
    if (isDynptr && r.type === PTR_TO_STACK) return;
    if (r.off !== 0) {
      const what = "must have zero offset when passed to release func or trusted arg to kfunc";
      reject(v, "EINVAL", `R${number} ${what}`);
    }
    checkUnmoved(v, r, number);
    return;
  }
  if (MAY_HAVE_OFFSET.has(r.type)) return;
  checkUnmoved(v, r, number, baseType(r.type) === PTR_TO_BTF_ID && !mayBeNull(r.type));
}

/** Checks that a helper may use `size` bytes behind a pointer. */
export function checkHelperMemory(
  v: Verification,
  number: number,
  size: number,
  access: Access,
  zeroSizeAllowed: boolean,
  meta: RawMemory | undefined,
): void {
  const r = reg(v, number);
  const cannotWrite = (): never => reject(v, "EACCES", `R${number} cannot write into ${typeName(r.type)}`);
  switch (baseType(r.type)) {
    case PTR_TO_PACKET:
    case PTR_TO_PACKET_META:
      checkPacket(v, number, r.off, size, zeroSizeAllowed);
      return;
    case PTR_TO_MAP_KEY:
      if (access === "write") cannotWrite();
      checkRegion(v, number, r.off, size, r.map!.spec.keySize, false);
      return;
    case PTR_TO_MAP_VALUE:
      checkMapDirection(v, r.map!, r.off, size, access);
      checkMapValue(v, number, r.off, size, zeroSizeAllowed, true);
      return;
    case PTR_TO_MEM:
      if ((r.type & RDONLY) !== 0 && access === "write") cannotWrite();
      checkRegion(v, number, r.off, size, r.aux, zeroSizeAllowed);
      return;
    case PTR_TO_BUF:
      if ((r.type & RDONLY) !== 0 && access === "write") cannotWrite();
      checkBuffer(v, number, r.off, size, (r.type & RDONLY) !== 0 ? "rdonly" : "rdwr");
      return;
    case PTR_TO_STACK:
      checkStackRange(v, number, r.off, size, zeroSizeAllowed, access, meta);
      return;
    case PTR_TO_BTF_ID:
      accessStruct(v, number, r.off, size, "read");
      return;
    default:
      if (zeroSizeAllowed && size === 0 && isNull(r)) return;
      reject(v, "EACCES", `R${number} type=${typeName(r.type)} expected=${typeName(PTR_TO_STACK)}`);
  }
}

function checkSize(v: Verification, number: number, argument: HelperArgument, call: CallArguments): void {
  const { num } = reg(v, number);
  const memory = call.helper.args[number - 2]!;
  call.maxSize = num.umax;
  if (num.smin < 0n) {
    reject(v, "EACCES", `R${number} min value is negative, either use unsigned or 'var &= const'`);
  }
  const zeroAllowed = argument.kind === "size_or_zero";
  if (num.umin === 0n && !zeroAllowed) {
    reject(v, "EACCES", `R${number} invalid zero-sized read: u64=[${num.umin},${num.umax}]`);
  }
  if (num.umax >= MAX_SIZE) {
    reject(v, "EACCES", `R${number} unbounded memory access, use 'var &= const' or 'if (var < const)'`);
  }
  const access = memory.write ? "write" : "read";
  const meta = isKnown(num) ? call : undefined;
  checkHelperMemory(v, number - 1, Number(num.umax), access, zeroAllowed, meta);
  markPrecise(v, number);
}

function checkMap(v: Verification, number: number, call: CallArguments): void {
  const r = reg(v, number);
  if (call.map !== undefined && (call.map !== r.map || call.mapUid !== r.aux)) {
    const uids = `map_uid=${call.mapUid} doesn't match map pointer in R2 map_uid=${r.aux}`;
    reject(v, "EINVAL", `timer pointer in R1 ${uids}`);
  }
  call.map = r.map;
  call.mapUid = r.aux;
}

function checkConstantString(v: Verification, number: number): void {
  const r = reg(v, number);
  const map = r.map!;
  if (!isConstant(map)) reject(v, "EACCES", `R${number} does not point to a readonly map'`);
  if (!isFixed(r)) reject(v, "EACCES", `R${number} is not a constant address'`);
  if (!hasDirectValues(map)) reject(v, "EACCES", "no direct value access support for this map type");
  checkMapValue(v, number, r.off, map.spec.valueSize - r.off, false, true);
  const start = r.off + fixedOffset(r);
  const bytes = map.spec.contents?.subarray(start) ?? new Uint8Array(1);
  const isTerminated = bytes.includes(0) || start + bytes.length < map.spec.valueSize;
  if (!isTerminated) reject(v, "EINVAL", "string is not zero-terminated");
}

function checkDynptr(v: Verification, number: number, argument: HelperArgument, call: CallArguments): void {
  const r = reg(v, number);
  if (argument.uninit) {
    placeForDynptr(v, r);
    checkStackBounds(v, number, r.off, DYNPTR_BYTES, "write");
    call.newDynptr = { number, kind: argument.dynptr ?? "local" };
    return;
  }
  if (r.type === CONST_PTR_TO_DYNPTR && !argument.readonly) {
    reject(v, "EINVAL", "cannot pass pointer to const bpf_dynptr, the helper mutates it");
  }
  const dynptr = dynptrOf(v, number);
  const which = `as arg #${number - 1}`;
  if (dynptr === undefined) reject(v, "EINVAL", `Expected an initialized dynptr ${which}`);
  if (argument.dynptr !== undefined && dynptr.kind !== argument.dynptr) {
    reject(v, "EINVAL", `Expected a dynptr of type ${argument.dynptr} ${which}`);
  }
  call.dynptr = dynptr;
}

function checkRelease(v: Verification, number: number, argument: HelperArgument, call: CallArguments): void {
  const r = reg(v, number);
  if (argument.kind === "dynptr") {
    if (r.type === CONST_PTR_TO_DYNPTR) reject(v, "EINVAL", "cannot release unowned const bpf_dynptr");
    const dynptr = dynptrOf(v, number);
    if (dynptr === undefined || dynptr.ref === 0) reject(v, "EINVAL", `arg ${number} is an unacquired reference`);
  } else if (r.ref === 0 && !isNull(r)) {
    reject(v, "EINVAL", `R${number} must be referenced when passed to release function`);
  }
  call.releaseNumber = number;
}

function checkFixedMemory(v: Verification, number: number, argument: HelperArgument, call: CallArguments): void {
  call.raw = argument.uninit;
  if (argument.size === undefined) return;
  checkHelperMemory(v, number, argument.size, argument.write ? "write" : "read", false, call);
  if (argument.aligned) checkAlignment(v, reg(v, number), 0, argument.size, true);
}

function checkMapValueArgument(v: Verification, number: number, argument: HelperArgument, call: CallArguments): void {
  if (argument.nullable && isNull(reg(v, number))) return;
  if (call.map === undefined) reject(v, "EACCES", "invalid map_ptr to access map->value");
  call.raw = argument.uninit;
  const access = argument.write ? "write" : "read";
  checkHelperMemory(v, number, call.map.spec.valueSize, access, false, call);
}

function checkMapKeyArgument(v: Verification, number: number, call: CallArguments): void {
  if (call.map === undefined) reject(v, "EACCES", "invalid map_ptr to access map->key");
  checkHelperMemory(v, number, call.map.spec.keySize, "read", false, undefined);
  call.keyNumber = number;
}

function checkAllocationSize(v: Verification, number: number, call: CallArguments): void {
  const r = reg(v, number);
  if (!isFixed(r)) reject(v, "EACCES", `R${number} is not a known constant'`);
  call.memorySize = Number(BigInt.asUintN(32, r.num.value));
  markPrecise(v, number);
}

function checkByKind(v: Verification, number: number, argument: HelperArgument, call: CallArguments): void {
  switch (argument.kind) {
    case "map":
      checkMap(v, number, call);
      return;
    case "map_key":
      checkMapKeyArgument(v, number, call);
      return;
    case "map_value":
      checkMapValueArgument(v, number, argument, call);
      return;
    case "mem":
      checkFixedMemory(v, number, argument, call);
      return;
    case "size":
    case "size_or_zero":
      checkSize(v, number, argument, call);
      return;
    case "alloc_size_or_zero":
      checkAllocationSize(v, number, call);
      return;
    case "spin_lock":
      processSpinLock(v, number, call.helper.name === "spin_lock");
      return;
    case "timer": {
      const r = processTimer(v, number);
      call.map = r.map;
      call.mapUid = r.aux;
      return;
    }
    case "kptr_xchg_dest":
      call.map = reg(v, number).map;
      call.kptr = processKptr(v, number);
      return;
    case "func":
      call.subprogram = reg(v, number).aux;
      return;
    case "const_str":
      checkConstantString(v, number);
      return;
    case "dynptr":
      checkDynptr(v, number, argument, call);
      return;
    default:
      return;
  }
}

/** A sockmap's values are sockets. */
function resolveArgument(v: Verification, argument: HelperArgument, call: CallArguments): HelperArgument {
  if (argument.kind !== "map_value") return argument;
  if (call.map === undefined) reject(v, "EACCES", "invalid map_ptr to access map->type");
  const { type } = call.map.spec;
  if (type === "sockmap" || type === "sockhash") {
    if (argument.nullable || argument.uninit) reject(v, "EINVAL", "invalid arg_type for sockmap/sockhash");
    return { ...argument, kind: "btf_id_sock_common" };
  }
  if (type === "bloom_filter" && call.helper.name === "map_peek_elem")
    return { ...argument, uninit: false, write: false };
  return argument;
}

/** Checks one argument of a helper, r1 first. */
export function checkArgument(v: Verification, number: number, declared: HelperArgument, call: CallArguments): void {
  const r = reg(v, number);
  if (r.type === NOT_INIT) reject(v, "EACCES", `R${number} !read_ok`);
  v.scratchedRegisters |= 1 << number;
  if (declared.kind === "anything") return;
  if (isPacketPointer(r.type) && !(mayUsePackets(v.program.type, "read") && call.helper.packetAccess)) {
    reject(v, "EACCES", "helper access to the packet is not allowed");
  }
  const argument = resolveArgument(v, declared, call);
  if (argument.nullable && isNull(r)) markPrecise(v, number);
  else {
    checkKind(v, number, argument, call);
    checkArgumentOffset(v, number, argument.release, argument.kind === "dynptr");
  }
  if (argument.release) checkRelease(v, number, argument, call);
  if (r.ref !== 0 && argument.kind !== "kptr_xchg_dest") call.ref = r.ref;
  checkByKind(v, number, argument, call);
}
