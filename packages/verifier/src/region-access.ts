import { tnumText } from "./format-state.js";
import { lowOf } from "./halves.js";
import { F_RDONLY_PROG, F_WRONLY_PROG, isConstant, type MapField, type MapInfo } from "./map-info.js";
import { CLASS_LDX, CLASS_ST, CLASS_STX, MODE_MEM } from "./opcode.js";
import { markPrecise } from "./precision.js";
import {
  baseType,
  fixedOffset,
  isFixed,
  isNull,
  MAYBE_NULL,
  PERCPU,
  PTR_TO_BTF_ID,
  PTR_TO_MAP_KEY,
  PTR_TO_MAP_VALUE,
  PTR_TO_PACKET,
  PTR_TO_PACKET_END,
  PTR_TO_PACKET_META,
  RCU,
  RDONLY,
  type Register,
  RINGBUF,
  register,
  scalarRegister,
  TRUSTED,
  typeName,
  UNKNOWN_SCALAR,
  UNTRUSTED,
} from "./register.js";
import { isZero, known, largestUnsigned, smallest, ZERO } from "./scalar.js";
import { MAX_OFFSET, reg, reject, say, type Verification } from "./verification.js";

/** How a program reaches memory. */
export type Access = "read" | "write";

function fits(off: number, size: number, regionSize: number, zeroSizeAllowed: boolean): boolean {
  const sizeFits = size > 0 || (size === 0 && zeroSizeAllowed);
  return off >= 0 && sizeFits && off + size <= regionSize;
}

/** Says that an access lies outside. */
function sayOutside(v: Verification, number: number, r: Register, off: bigint, size: number, regionSize: number): void {
  const shown = lowOf(off);
  switch (r.type) {
    case PTR_TO_MAP_KEY:
      say(v, `invalid access to map key, key_size=${regionSize} off=${shown} size=${size}`);
      return;
    case PTR_TO_MAP_VALUE:
      say(v, `invalid access to map value, value_size=${regionSize} off=${shown} size=${size}`);
      return;
    case PTR_TO_PACKET:
    case PTR_TO_PACKET_META:
    case PTR_TO_PACKET_END:
      say(
        v,
        `invalid access to packet, off=${shown} size=${size}, R${number}(id=${r.id},off=${shown},r=${regionSize})`,
      );
      return;
    default:
      say(v, `invalid access to memory, mem_size=${regionSize} off=${shown} size=${size}`);
      return;
  }
}

/** Refuses an access to memory of known size unless it lies inside for every offset the pointer may have. */
export function checkRegion(
  v: Verification,
  number: number,
  off: number,
  size: number,
  regionSize: number,
  zeroSizeAllowed: boolean,
): void {
  const r = reg(v, number);
  const lowest = smallest(r.num) + off;
  if (smallest(r.num) < 0 && (lowest !== (lowest | 0) || lowest < 0)) {
    const what = "min value is negative, either use unsigned index or do a if (index >=0) check.";
    reject(v, "EACCES", `R${number} ${what}`);
  }
  if (!fits(lowest, size, regionSize, zeroSizeAllowed)) {
    sayOutside(v, number, r, r.num.smin + BigInt(off), size, regionSize);
    reject(v, "EACCES", `R${number} min value is outside of the allowed memory range`);
  }
  if (largestUnsigned(r.num) >= MAX_OFFSET) {
    reject(v, "EACCES", `R${number} unbounded memory access, make sure to bounds check any such access`);
  }
  const highest = largestUnsigned(r.num) + off;
  if (!fits(highest, size, regionSize, zeroSizeAllowed)) {
    sayOutside(v, number, r, r.num.umax + BigInt(off), size, regionSize);
    reject(v, "EACCES", `R${number} max value is outside of the allowed memory range`);
  }
}

/** Refuses access to the packet outside of what comparisons with its end have shown to be there. */
export function checkPacket(
  v: Verification,
  number: number,
  off: number,
  size: number,
  zeroSizeAllowed: boolean,
): void {
  const r = reg(v, number);
  if (smallest(r.num) < 0) {
    const what = "min value is negative, either use unsigned index or do a if (index >=0) check.";
    reject(v, "EACCES", `R${number} ${what}`);
  }
  if (r.aux < 0) reject(v, "EINVAL", `R${number} offset is outside of the packet`);
  if (fits(off, size, r.aux, zeroSizeAllowed)) return;
  sayOutside(v, number, r, BigInt(off), size, r.aux);
  reject(v, "EACCES", `R${number} offset is outside of the packet`);
}

/** Refuses to read a map programs may only write, and the reverse. */
export function checkMapDirection(v: Verification, map: MapInfo, off: number, size: number, access: Access): void {
  const where = `value_size=${map.spec.valueSize} off=${off} size=${size}`;
  if (access === "write" && (map.spec.flags & F_RDONLY_PROG) !== 0) {
    reject(v, "EACCES", `write into map forbidden, ${where}`);
  }
  if (access === "read" && (map.spec.flags & F_WRONLY_PROG) !== 0) {
    reject(v, "EACCES", `read from map forbidden, ${where}`);
  }
}

const isKptr = (field: MapField): boolean => field.kind.startsWith("kptr");

const FIELD_NAMES: Readonly<Record<string, string>> = {
  spin_lock: "bpf_spin_lock",
  timer: "bpf_timer",
  workqueue: "bpf_wq",
  list_head: "bpf_list_head",
  rb_root: "bpf_rb_root",
};

function checkFieldAccess(
  v: Verification,
  r: Register,
  field: MapField,
  off: number,
  size: number,
  byHelper: boolean,
): void {
  if (!isKptr(field)) {
    reject(v, "EACCES", `${FIELD_NAMES[field.kind]} cannot be accessed directly by load/store`);
  }
  if (byHelper) reject(v, "EACCES", "kptr cannot be accessed indirectly by helper");
  if (!isFixed(r)) reject(v, "EACCES", "kptr access cannot have variable offset");
  const at = off + fixedOffset(r);
  if (at !== field.offset) reject(v, "EACCES", `kptr access misaligned expected=${field.offset} off=${at}`);
  if (size !== 8) reject(v, "EACCES", "kptr access size must be BPF_DW");
}

/** Refuses an access to a map's value outside of it, or over a field that is no plain bytes. */
export function checkMapValue(
  v: Verification,
  number: number,
  off: number,
  size: number,
  zeroSizeAllowed: boolean,
  byHelper: boolean,
): void {
  const r = reg(v, number);
  const map = r.map!;
  checkRegion(v, number, off, size, map.spec.valueSize, zeroSizeAllowed);
  if (map.fields === undefined) return;
  for (const field of map.fields) {
    const overlaps =
      smallest(r.num) + off < field.offset + field.size && field.offset < largestUnsigned(r.num) + off + size;
    if (overlaps) checkFieldAccess(v, r, field, off, size, byHelper);
  }
}

/** The kptr field exactly at an offset of a map's value. */
export const kptrAt = (map: MapInfo, off: number): MapField | undefined =>
  map.fields?.find((field) => isKptr(field) && field.offset === off);

/** Kernel structures whose kptrs may be used under RCU. */
const RCU_PROTECTED: ReadonlySet<string> = new Set([
  "prog_test_ref_kfunc",
  "cgroup",
  "bpf_cpumask",
  "task_struct",
  "bpf_crypto_ctx",
]);

function loadedKptr(v: Verification, field: MapField): Register {
  const isRcu = field.kind === "kptr_percpu" || (field.kind === "kptr" && RCU_PROTECTED.has(field.struct ?? ""));
  const marks = isRcu ? RCU | (field.kind === "kptr_percpu" ? PERCPU : 0) : UNTRUSTED;
  const id = ++v.nextId;
  const type = PTR_TO_BTF_ID | MAYBE_NULL | marks;
  return register(type, ZERO, 0, id, 0, field.structSize ?? 0, undefined, field.struct ?? "");
}

/** Refuses to store anything in a kptr but what it is for. */
export function checkKptrMatch(v: Verification, field: MapField, r: Register, number: number): void {
  const target = field.struct ?? "";
  const allowed = MAYBE_NULL | TRUSTED | RCU | (field.kind === "kptr_untrusted" ? UNTRUSTED : 0);
  const marks = r.type & (RDONLY | RINGBUF | PERCPU | UNTRUSTED | TRUSTED | RCU | MAYBE_NULL);
  const isStruct = baseType(r.type) === PTR_TO_BTF_ID && (marks & ~allowed) === 0;
  if (isStruct) {
    if (r.off < 0) reject(v, "EACCES", `negative offset ${typeName(r.type)} ptr R${number} off=${r.off} disallowed`);
    if (!isZero(r.num)) {
      reject(v, "EACCES", `variable ${typeName(r.type)} access var_off=${tnumText(r.num)} disallowed`);
    }
    if (r.struct === target && r.off === 0) return;
  }
  const shown = isStruct ? r.struct : "";
  const alternative = field.kind === "kptr_untrusted" ? ` or ${typeName(PTR_TO_BTF_ID | UNTRUSTED)}${target}` : "";
  reject(
    v,
    "EACCES",
    `invalid kptr access, R${number} type=${typeName(r.type)}${shown} expected=${typeName(PTR_TO_BTF_ID)}${target}${alternative}`,
  );
}

/** A load or store of a kptr. Returns what a load leaves. */
export function accessKptr(v: Verification, field: MapField, valueNumber: number): Register | undefined {
  const opcode = v.code.opcode[v.slot]!;
  const kind = opcode & 7;
  if ((opcode & 0xe0) !== MODE_MEM) {
    reject(v, "EACCES", "kptr in map can only be accessed using BPF_MEM instruction mode");
  }
  if (kind !== CLASS_LDX && field.kind !== "kptr_untrusted") {
    reject(v, "EACCES", "store to referenced kptr disallowed");
  }
  if (kind === CLASS_LDX) return loadedKptr(v, field);
  if (kind === CLASS_STX) {
    const value = reg(v, valueNumber);
    if (isNull(value)) markPrecise(v, valueNumber);
    else checkKptrMatch(v, field, value, valueNumber);
  } else if (kind === CLASS_ST && v.code.imm[v.slot] !== 0) {
    reject(v, "EACCES", `BPF_ST imm must be 0 when storing to kptr at off=${field.offset}`);
  }
  return undefined;
}

/** What a load of a map's value leaves: its very bytes, where nobody can change them. */
export function loadedMapValue(map: MapInfo, r: Register, off: number, size: number, isSigned: boolean): Register {
  if (!isFixed(r) || !isConstant(map) || map.spec.type !== "array") return UNKNOWN_SCALAR;
  const at = off + fixedOffset(r);
  const bytes = map.spec.contents ?? new Uint8Array(0);
  let value = 0n;
  for (let index = size - 1; index >= 0; index--) value = (value << 8n) | BigInt(bytes[at + index] ?? 0);
  return scalarRegister(known(isSigned ? BigInt.asIntN(size * 8, value) : value));
}
