import { type HelperPrototype, helperById, programTypeByName } from "@bpfkit/abi";
import { clearCallerSaved, leaveFrame, pushCallback } from "./calls.js";
import { createDynptr, removeDynptr } from "./dynptr.js";
import { helperName } from "./format.js";
import { type CallArguments, checkArgument } from "./helper-arguments.js";
import { checkMapForHelper } from "./helper-map-rules.js";
import { isGplCompatible } from "./license.js";
import { F_RDONLY_PROG, hasField, type MapInfo } from "./map-info.js";
import { accessMemoryAt } from "./memory.js";
import { pushAsyncCallback, pushPath } from "./paths.js";
import { markPrecise, markSlotPrecise } from "./precision.js";
import {
  acquireReference,
  checkNothingHeld,
  dropReference,
  forgetPacketPointers,
  releaseReference,
} from "./references.js";
import {
  CONST_PTR_TO_MAP,
  fixedOffset,
  isFixed,
  isNull,
  MAYBE_NULL,
  mayBeNull,
  PTR_TO_BTF_ID,
  PTR_TO_MAP_KEY,
  PTR_TO_MAP_VALUE,
  PTR_TO_MEM,
  PTR_TO_SOCK_COMMON,
  PTR_TO_SOCKET,
  PTR_TO_STACK,
  PTR_TO_TCP_SOCK,
  pointer,
  RDONLY,
  type Register,
  RINGBUF,
  register,
  scalarRegister,
  TRUSTED,
  typeName,
  UNINITIALISED,
  UNKNOWN_SCALAR,
  withId,
} from "./register.js";
import { ZERO } from "./scalar.js";
import { signedRange, unsignedRange } from "./scalar-sync.js";
import { BYTE_SPILL, BYTE_ZERO, byteAt, byteIndexOf, isScalarSpill, slotIndexOf, spillSize } from "./stack-slot.js";
import { currentFrame, type Frame } from "./state.js";
import { TAIL_CALL } from "./subprograms.js";
import {
  frameOf,
  frameOfPointer,
  isSleepable,
  reg,
  reject,
  say,
  setReg,
  since,
  type Verification,
  versionNumber,
} from "./verification.js";

/** The largest negative errno. */
const MAX_ERRNO = 4095;

const ACQUIRING: ReadonlySet<string> = new Set([
  "sk_lookup_tcp",
  "sk_lookup_udp",
  "skc_lookup_tcp",
  "ringbuf_reserve",
  "kptr_xchg",
]);

/** Helpers whose result is another view of their argument, and lives as long. */
const CASTING: ReadonlySet<string> = new Set([
  "tcp_sock",
  "sk_fullsock",
  "skc_to_tcp_sock",
  "skc_to_tcp6_sock",
  "skc_to_udp6_sock",
  "skc_to_mptcp_sock",
  "skc_to_tcp_timewait_sock",
  "skc_to_tcp_request_sock",
]);

/** The helper's prototype, or a refusal: there is none, it is too new, not for this type, or not for this license. */
function findHelper(v: Verification, id: number): HelperPrototype {
  const helper = helperById(id, v.program.type);
  if (helper === undefined || !since(v, versionNumber(helper.since))) {
    reject(v, "EINVAL", `invalid func ${helperName(id)}`);
  }
  // A raw program has no kernel type; it may use what the least privileged one may.
  const type = v.program.type === "raw" ? "socket_filter" : v.program.type;
  const attach = helper.attachTypes.get(type);
  if (!helper.programTypes.has(type) || attach?.has(v.program.expectedAttachType ?? "") === false) {
    const words = since(v, 608) ? "program of this type cannot use helper" : "unknown func";
    reject(v, "EINVAL", `${words} ${helperName(id)}`);
  }
  if (helper.gplOnly && !isGplCompatible(v.program)) {
    reject(v, "EINVAL", "cannot call GPL-restricted function from non-GPL compatible program");
  }
  if (helper.mightSleep && !isSleepable(v)) {
    reject(v, "EINVAL", "helper call might sleep in a non-sleepable prog");
  }
  return helper;
}

function newArguments(helper: HelperPrototype): CallArguments {
  return {
    helper,
    raw: false,
    regno: 0,
    size: 0,
    map: undefined,
    mapUid: 0,
    releaseNumber: 0,
    ref: 0,
    memorySize: 0,
    maxSize: 0n,
    subprogram: 0,
    kptr: undefined,
    dynptr: undefined,
    keyNumber: 0,
    newDynptr: undefined,
  };
}

/** Helpers that change a map. */
const MAP_WRITERS: ReadonlySet<string> = new Set([
  "map_update_elem",
  "map_delete_elem",
  "map_push_elem",
  "map_pop_elem",
]);

function checkMapUse(v: Verification, call: CallArguments): void {
  if (call.map !== undefined && (call.map.spec.flags & F_RDONLY_PROG) !== 0 && MAP_WRITERS.has(call.helper.name)) {
    reject(v, "EACCES", "write into map forbidden");
  }
  if (call.helper.id !== TAIL_CALL) return;
  // The kernel says this before anything else is looked at, unlike for other maps.
  if (call.map?.spec.type !== "prog_array") reject(v, "EINVAL", "expected prog array map for tail call");
  const index = reg(v, 3);
  if (isFixed(index) && index.num.value < BigInt(call.map.spec.maxEntries)) markPrecise(v, 3);
}

/** Memory the helper fills counts as written, byte by byte. */
function writeRawMemory(v: Verification, call: CallArguments): void {
  for (let off = 0; off < call.size; off++) {
    accessMemoryAt(v, { number: call.regno, off, size: 1, access: "write", value: -1, isSigned: false });
  }
}

function releaseArgument(v: Verification, call: CallArguments): void {
  if (call.releaseNumber === 0) return;
  const name = helperName(call.helper.id);
  if (call.dynptr !== undefined) {
    dropReference(v.state, call.dynptr.ref);
    removeDynptr(v, call.dynptr);
    return;
  }
  if (call.ref !== 0) {
    if (!releaseReference(v, call.ref)) reject(v, "EINVAL", `func ${name} reference has not been acquired before`);
  } else if (!isNull(reg(v, call.releaseNumber))) {
    reject(v, "EINVAL", `func ${name} reference has not been acquired before`);
  }
}

function mapValueArgument(map: MapInfo, uid: number): Register {
  return register(PTR_TO_MAP_VALUE, ZERO, 0, 0, 0, uid, map);
}

/** Map types `bpf_for_each_map_elem` walks. */
const ITERABLE: ReadonlySet<string> = new Set([
  "hash",
  "percpu_hash",
  "lru_hash",
  "lru_percpu_hash",
  "array",
  "percpu_array",
]);

function pushForEach(v: Verification, call: CallArguments): void {
  const map = call.map!;
  if (!ITERABLE.has(map.spec.type)) reject(v, "ENOTSUPP", "callback function not allowed for map");
  pushCallback(v, call.subprogram, (caller, callee) => {
    callee.regs[1] = caller.regs[1]!;
    callee.regs[2] = register(PTR_TO_MAP_KEY, ZERO, 0, 0, 0, call.mapUid, map);
    callee.regs[3] = mapValueArgument(map, call.mapUid);
    callee.regs[4] = caller.regs[3]!;
  });
}

/** Remembers whether a loop has no flags and one callback on every path. */
function noteLoop(v: Verification, callback: number): void {
  const seen = v.loops.get(v.slot);
  if (seen?.canInline === false) return;
  const hasNoFlags = isNull(reg(v, 4));
  if (hasNoFlags) markPrecise(v, 4);
  const canInline = hasNoFlags && (seen === undefined || seen.callback === callback);
  v.loops.set(v.slot, { canInline, callback });
}

function pushLoop(v: Verification, call: CallArguments): void {
  noteLoop(v, call.subprogram);
  markPrecise(v, 1);
  const frame = frameOf(v);
  if (BigInt(frame.callbackDepth) < reg(v, 1).num.umax) {
    pushCallback(v, call.subprogram, (caller, callee) => {
      callee.regs[1] = UNKNOWN_SCALAR;
      callee.regs[2] = caller.regs[3]!;
    });
    return;
  }
  frame.callbackDepth = 0;
  if (v.log.level >= 2) say(v, `frame${frame.index} bpf_loop iteration limit reached`);
}

function pushTimer(v: Verification, call: CallArguments): void {
  const map = call.map!;
  const subprogram = v.subprograms[call.subprogram]!;
  subprogram.isCallback = true;
  subprogram.isAsyncCallback = true;
  const callee: Frame = pushAsyncCallback(v, call.subprogram, frameOf(v));
  callee.regs[1] = register(CONST_PTR_TO_MAP, ZERO, 0, 0, 0, call.mapUid, map);
  callee.regs[2] = register(PTR_TO_MAP_KEY, ZERO, 0, 0, 0, call.mapUid, map);
  callee.regs[3] = mapValueArgument(map, call.mapUid);
}

function pushCallbackWith(
  v: Verification,
  call: CallArguments,
  dataFrom: number,
  dataTo: number,
  first: Register,
): void {
  pushCallback(v, call.subprogram, (caller, callee) => {
    callee.regs[1] = first;
    callee.regs[dataTo] = caller.regs[dataFrom]!;
    if (dataTo === 3) callee.regs[2] = register(PTR_TO_BTF_ID, ZERO, 0, 0, 0, 0, undefined, "vm_area_struct");
  });
}

function checkFormatCall(v: Verification): void {
  const format = reg(v, 3);
  const length = reg(v, 5);
  if (Number(length.num.value) % 8 !== 0) reject(v, "EINVAL");
  const bytes = format.map?.spec.contents?.subarray(format.off + fixedOffset(format)) ?? new Uint8Array(0);
  const text = String.fromCharCode(...bytes.subarray(0, Math.max(bytes.indexOf(0), 0)));
  const wanted = text.replaceAll("%%", "").split("%").length - 1;
  if (wanted > Number(length.num.value) / 8) reject(v, "EINVAL", "Invalid format string");
}

/** Only programs attached to functions know one (Linux `check_get_func_ip`). */
function checkFunctionAddress(v: Verification, helper: number): void {
  const { type, expectedAttachType = "" } = v.program;
  if (type === "kprobe" || /^(trace_fentry|trace_fexit|modify_return)$/.test(expectedAttachType)) return;
  const where = `not supported for program type ${programTypeByName(type).id}`;
  const what = type === "tracing" ? "supported only for fentry/fexit/fmod_ret programs" : where;
  reject(v, "ENOTSUPP", `func ${helperName(helper)} ${what}`);
}

/** What some helpers need besides their arguments. */
function checkSpecial(v: Verification, call: CallArguments): void {
  switch (call.helper.name) {
    case "tail_call":
      checkNothingHeld(v, "tail_call", true);
      return;
    case "get_local_storage":
      if (!isNull(reg(v, 2))) reject(v, "EINVAL", "get_local_storage() doesn't support non-zero flags");
      markPrecise(v, 2);
      return;
    case "for_each_map_elem":
      pushForEach(v, call);
      return;
    case "loop":
      pushLoop(v, call);
      return;
    case "timer_set_callback":
      pushTimer(v, call);
      return;
    case "find_vma":
      pushCallbackWith(v, call, 4, 3, reg(v, 1));
      return;
    case "user_ringbuf_drain":
      pushCallbackWith(v, call, 3, 2, pointer(20, ++v.nextId));
      return;
    case "get_func_ip":
      checkFunctionAddress(v, call.helper.id);
      return;
    case "snprintf":
      checkFormatCall(v);
      return;
    case "dynptr_from_mem":
      if (reg(v, 1).type !== PTR_TO_MAP_VALUE) {
        reject(v, "EACCES", `Unsupported reg type ${typeName(reg(v, 1).type)} for bpf_dynptr_from_mem data`);
      }
      return;
    default:
      return;
  }
}

/** The key a lookup is made with, where the stack says exactly: then an array's lookup cannot fail. */
function knownKey(v: Verification, call: CallArguments): number | undefined {
  const { type, keySize } = call.map!.spec;
  if ((type !== "array" && type !== "percpu_array") || !since(v, 615)) return undefined;
  const key = reg(v, call.keyNumber);
  if (key.type !== PTR_TO_STACK || !isFixed(key)) return undefined;
  const off = key.off + fixedOffset(key);
  const frame = frameOfPointer(v, key);
  const spi = slotIndexOf(off);
  const slot = frame.stack[spi]!;
  const top = byteIndexOf(off);
  const count = (byte: number): number => {
    let bytes = 0;
    for (let index = top; index >= 0 && byteAt(slot, index) === byte; index--) bytes++;
    return bytes;
  };
  if (count(BYTE_ZERO) >= keySize) return 0;
  if (!isScalarSpill(slot) || count(BYTE_SPILL) !== keySize || spillSize(slot) < keySize || !isFixed(slot.reg)) {
    return undefined;
  }
  markSlotPrecise(v, frame.index, spi);
  return Number(slot.reg.num.value);
}

function isFoundForCertain(v: Verification, call: CallArguments, key: number | undefined): boolean {
  return call.helper.name === "map_lookup_elem" && key !== undefined && key < call.map!.spec.maxEntries && v.slot >= 0;
}

const POINTER_KINDS: Readonly<Record<string, number>> = {
  socket: PTR_TO_SOCKET,
  tcp_sock: PTR_TO_TCP_SOCK,
  sock_common: PTR_TO_SOCK_COMMON,
};

/** What r0 is after the call, before references. */
function returned(v: Verification, call: CallArguments, key: number | undefined): Register {
  const { returns, name } = call.helper;
  const mark = returns.nullable && !isFoundForCertain(v, call, key) ? MAYBE_NULL : 0;
  switch (returns.kind) {
    case "integer":
      return refineInteger(v, call);
    case "void":
      return UNINITIALISED;
    case "map_value": {
      const needsId = mark === 0 && hasField(call.map!, "spin_lock");
      return register(PTR_TO_MAP_VALUE | mark, ZERO, 0, needsId ? ++v.nextId : 0, 0, call.mapUid, call.map);
    }
    case "ringbuf_mem":
      return register(PTR_TO_MEM | RINGBUF | mark, ZERO, 0, 0, 0, call.memorySize);
    case "dynptr_mem":
      return register(PTR_TO_MEM | mark, ZERO, 0, 0, 0, call.memorySize);
    case "mem_or_btf_id":
      return register(PTR_TO_MEM | RDONLY | mark, ZERO, 0, 0, 0, 0);
    case "btf_id": {
      const struct = name === "kptr_xchg" ? (call.kptr?.struct ?? "") : (returns.struct ?? "");
      const size = name === "kptr_xchg" ? (call.kptr?.structSize ?? 0) : 0;
      const trust = name === "get_current_task_btf" ? TRUSTED : 0;
      return register(PTR_TO_BTF_ID | trust | mark, ZERO, 0, 0, 0, size, undefined, struct);
    }
    default:
      return pointer(POINTER_KINDS[returns.kind]! | mark);
  }
}

function refineInteger(v: Verification, call: CallArguments): Register {
  switch (call.helper.name) {
    case "get_stack":
    case "get_task_stack":
    case "probe_read_str":
    case "probe_read_kernel_str":
    case "probe_read_user_str":
      return scalarRegister(signedRange(-MAX_ERRNO, Number(BigInt.asIntN(32, call.maxSize))));
    case "get_smp_processor_id":
      return scalarRegister(unsignedRange(v.cpus - 1));
    default:
      return UNKNOWN_SCALAR;
  }
}

function isAcquiring(call: CallArguments): boolean {
  const { type } = call.map?.spec ?? { type: "" };
  return (
    ACQUIRING.has(call.helper.name) ||
    (call.helper.name === "map_lookup_elem" && (type === "sockmap" || type === "sockhash"))
  );
}

function setResult(v: Verification, call: CallArguments, key: number | undefined): void {
  let r0 = returned(v, call, key);
  if (mayBeNull(r0.type)) r0 = withId(r0, ++v.nextId);
  if (CASTING.has(call.helper.name)) r0 = { ...r0, ref: call.ref };
  else if (call.helper.name === "dynptr_data") {
    r0 = { ...r0, ref: call.dynptr?.ref ?? 0, dynptr: call.dynptr?.id ?? 0 };
  } else if (isAcquiring(call)) {
    const id = acquireReference(v);
    r0 = { ...r0, id, ref: id };
  }
  setReg(v, 0, r0);
}

/** In a subprogram the target's result may go to the caller: that is walked now, the fall-through later. */
function leaveByTailCall(v: Verification): void {
  pushPath(v, v.slot + 1, v.slot);
  forgetPacketPointers(v);
  setReg(v, 0, UNKNOWN_SCALAR);
  leaveFrame(v);
}

/** A call of a helper (Linux `check_helper_call`). */
export function callHelper(v: Verification): void {
  const helper = findHelper(v, v.code.imm[v.slot]!);
  const call = newArguments(helper);
  helper.args.forEach((argument, index) => {
    checkArgument(v, index + 1, argument, call);
  });
  checkMapUse(v, call);
  writeRawMemory(v, call);
  if (call.newDynptr !== undefined) {
    createDynptr(v, call.newDynptr.number, call.newDynptr.kind);
  }
  releaseArgument(v, call);
  checkSpecial(v, call);
  const key = call.keyNumber !== 0 && call.map !== undefined ? knownKey(v, call) : undefined;
  clearCallerSaved(v);
  setResult(v, call, key);
  checkMapForHelper(v, call.map, helper.id);
  const isTailCall = helper.id === TAIL_CALL;
  if (helper.changesPacket && !isTailCall) forgetPacketPointers(v);
  if (isTailCall && currentFrame(v.state).index > 0 && v.profile.mixed) leaveByTailCall(v);
  else v.slot++;
}
