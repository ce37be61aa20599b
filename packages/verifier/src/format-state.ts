import {
  ADD_CONST,
  baseType,
  CONST_PTR_TO_MAP,
  isFixed,
  isPacketPointer,
  NOT_INIT,
  PTR_TO_BTF_ID,
  PTR_TO_MAP_KEY,
  PTR_TO_MAP_VALUE,
  PTR_TO_MEM,
  PTR_TO_STACK,
  type Register,
  SCALAR,
  typeName,
} from "./register.js";
import { S32_MAX, S32_MIN, S64_MAX, S64_MIN, type Scalar, U32_MAX, U64_MAX } from "./scalar.js";
import { BYTE_DYNPTR, BYTE_INVALID, BYTE_SPILL, byteAt, type StackSlot } from "./stack-slot.js";
import { type Frame, isPreciseSlot, type State } from "./state.js";
import type { Tnum } from "./tnum.js";

/** Text of registers and states as Linux 6.18's log has it (kernel/bpf/log.c). */

const hex = (value: bigint): string => `0x${BigInt.asUintN(64, value).toString(16)}`;

/** Small numbers in decimal, others in hex. */
export const unsignedText = (value: bigint): string => (value <= 0xffffn ? `${value}` : hex(value));

/** The same for a signed number. */
export function signedText(value: bigint): string {
  const number = BigInt.asIntN(64, value);
  return number >= -0x8000n && number <= 0x7fffn ? `${number}` : hex(number);
}

/** Known bits: a number, or `(value; mask)`. */
export function tnumText(bits: Tnum): string {
  return bits.mask === 0n ? unsignedText(bits.value) : `(${hex(bits.value)}; ${hex(bits.mask)})`;
}

interface Bound {
  readonly name: string;
  readonly value: bigint;
  omit: boolean;
}

const signed32 = (value: number): bigint => (value >= -0x8000 && value <= 0x7fff ? BigInt(value) : BigInt(value >>> 0));

function bounds(s: Scalar): Bound[] {
  return [
    { name: "smin", value: s.smin, omit: s.smin === S64_MIN },
    { name: "smax", value: s.smax, omit: s.smax === S64_MAX },
    { name: "umin", value: s.umin, omit: s.umin === 0n },
    { name: "umax", value: s.umax, omit: s.umax === U64_MAX },
    { name: "smin32", value: signed32(s.s32min), omit: s.s32min === S32_MIN },
    { name: "smax32", value: signed32(s.s32max), omit: s.s32max === S32_MAX },
    { name: "umin32", value: BigInt(s.u32min), omit: s.u32min === 0 },
    { name: "umax32", value: BigInt(s.u32max), omit: s.u32max === U32_MAX },
  ];
}

/** Ranges that say something, equal ones under one value: `smin=umin=1`. */
function rangeTexts(s: Scalar): string[] {
  const all = bounds(s);
  const texts: string[] = [];
  all.forEach((bound, index) => {
    if (bound.omit) return;
    const isSigned = bound.name.startsWith("s");
    const isNegative = isSigned && BigInt.asIntN(64, bound.value) < 0n;
    let names = `${bound.name}=`;
    for (let other = index + 2; other < all.length; other += 2) {
      const same = all[other]!;
      if (same.omit || BigInt.asUintN(64, same.value) !== BigInt.asUintN(64, bound.value)) continue;
      if ((same.name.startsWith("s") && BigInt.asIntN(64, same.value) < 0n) !== isNegative) continue;
      same.omit = true;
      names += `${same.name}=`;
    }
    texts.push(names + (isSigned ? signedText(bound.value) : unsignedText(bound.value)));
  });
  return texts;
}

function identityTexts(r: Register): string[] {
  const texts: string[] = [];
  if (r.id !== 0) {
    const constant = (r.id & ADD_CONST) === 0 ? "" : r.off < 0 ? `${r.off}` : `+${r.off}`;
    texts.push(`id=${r.id & ~ADD_CONST}${constant}`);
  }
  if (r.ref !== 0) texts.push(`ref_obj_id=${r.ref}`);
  const base = baseType(r.type);
  if (r.map !== undefined && (base === CONST_PTR_TO_MAP || base === PTR_TO_MAP_KEY || base === PTR_TO_MAP_VALUE)) {
    const { name } = r.map;
    const { keySize, valueSize } = r.map.spec;
    if (name !== "") texts.push(`map=${name}`);
    texts.push(`ks=${keySize}`, `vs=${valueSize}`);
  }
  if (r.type !== SCALAR && r.off !== 0) texts.push(`off=${signedText(BigInt(r.off))}`);
  if (isPacketPointer(r.type)) texts.push(`r=${unsignedText(BigInt.asUintN(64, BigInt(r.aux)))}`);
  if (base === PTR_TO_MEM) texts.push(`sz=${unsignedText(BigInt(r.aux))}`);
  return texts;
}

/** One register: `scalar(umax=255)`, `fp-8`, `map_value(map=m,ks=4,vs=8)`. */
export function registerText(r: Register, frame: number, isPrecise: boolean): string {
  const prefix = r.type === SCALAR && isPrecise ? "P" : "";
  if (r.type === SCALAR && isFixed(r)) return prefix + signedText(r.num.value);
  let text = prefix + typeName(r.type);
  if (r.type === PTR_TO_STACK) {
    if (frame !== r.aux) text += `[${r.aux}]`;
    if (isFixed(r)) return text + signedText(r.num.smin + BigInt(r.off));
  }
  if (baseType(r.type) === PTR_TO_BTF_ID) text += r.struct;
  const inner = identityTexts(r);
  if (isFixed(r)) {
    if (r.num.value !== 0n) inner.push(`imm=${signedText(r.num.value)}`);
  } else {
    inner.push(...rangeTexts(r.num));
    if (r.num.mask !== U64_MAX) inner.push(`var_off=${tnumText(r.num)}`);
  }
  return `${text}(${inner.join(",")})`;
}

const BYTE_LETTERS = "?rm0di";

function slotText(frame: Frame, spi: number, s: StackSlot): string | undefined {
  if (s.bytes === 0) return undefined;
  const letters = Array.from({ length: 8 }, (_, index) => BYTE_LETTERS[byteAt(s, index)]).join("");
  const name = `fp${-(spi + 1) * 8}`;
  if (byteAt(s, 7) === BYTE_SPILL) {
    const above = letters.slice(0, letters.indexOf("r"));
    return `${name}=${above}${registerText(s.reg, frame.index, isPreciseSlot(frame, spi))}`;
  }
  if (byteAt(s, 7) === BYTE_DYNPTR) {
    if (s.dynptr?.first !== true) return undefined;
    const { id, ref } = s.dynptr;
    // The last is the kernel's flag of a first slot under another name.
    const inner = [`id=${id}`, ...(ref === 0 ? [] : [`ref_id=${ref}`]), "dynptr_id=1"];
    return `${name}=dynptr_${s.dynptr.kind}(${inner.join(",")})`;
  }
  if (s.iterator !== undefined) {
    const { type, ref, state: phase, depth } = s.iterator;
    return `${name}=iter_${type}(ref_id=${ref},state=${phase},depth=${depth})`;
  }
  return byteAt(s, 7) === BYTE_INVALID || letters !== "" ? `${name}=${letters}` : undefined;
}

/** Which registers and slots to print. */
export interface Shown {
  readonly registers: number;
  readonly low: number;
  readonly high: number;
}

/** Everything of a frame. */
export const SHOW_ALL: Shown = { registers: -1, low: -1, high: -1 };

/** A frame's registers and stack, with a space before each: ` R0=1 R10=fp0 fp-8=mmmmmmmm`. */
export function frameText(state: State, frame: Frame, shown: Shown): string {
  let text = frame.index === 0 ? "" : ` frame${frame.index}:`;
  frame.regs.forEach((r, number) => {
    if (r.type === NOT_INIT || ((shown.registers >>> number) & 1) === 0) return;
    text += ` R${number}=${registerText(r, frame.index, ((frame.preciseRegs >>> number) & 1) === 1)}`;
  });
  frame.stack.forEach((s, spi) => {
    if (((spi < 32 ? shown.low >>> spi : shown.high >>> (spi - 32)) & 1) === 0) return;
    const slot = slotText(frame, spi, s);
    if (slot !== undefined) text += ` ${slot}`;
  });
  if (state.references.length > 0) text += ` refs=${state.references.map(({ id }) => id).join(",")}`;
  if (frame.callbackRange !== undefined && !frame.isAsync) text += " cb";
  if (frame.isAsync) text += " async_cb";
  return text;
}
