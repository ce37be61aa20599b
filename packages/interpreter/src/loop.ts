import {
  divide32,
  divide64,
  divideSigned32,
  divideSigned64,
  modulo32,
  modulo64,
  moduloSigned32,
  moduloSigned64,
  multiply64,
  swapBytes,
  truncate,
} from "./arithmetic.js";
import { straddles } from "./checks.js";
import { CALLBACK, ENTRY, FRAME_WORDS, STACK_BYTES_A_WORD, STRIDE } from "./layout.js";
import type { Machine } from "./machine.js";
import { EXITED, FAULTED, NEXT, OUT_OF_FUEL } from "./status.js";

/**
 * Runs from `machine.pc` until the entry exits, a fault, or no fuel. Each instruction takes one fuel: the one counter is
 * at once the budget, the count, the poll for cancel, and (with a fuel of 1) single stepping and tracing, so that none of
 * these costs anything of its own.
 *
 * One function of one switch, long on purpose: the switch becomes one jump table and registers, code and fuel stay in
 * machine registers. Cases are wire opcodes; from 256 on, forms that share an opcode (`keys.ts`). A test walks the
 * opcode table and fails for a row without a case. Checks compare with `!(… <= …)`, so that `undefined`, read past the
 * shadow's end, fails them.
 */
export function execute(machine: Machine): number {
  const { registers: regs, frames, stackTop, byValue, programFrames } = machine;
  const { readShadow, writeShadow, data, u8 } = machine.set.memory.views;
  let { code, pc, fp, programBase, lastOpenFrame, fuel } = machine;
  for (;;) {
    if (--fuel < 0) {
      machine.park(pc, fp, programBase, 0);
      return OUT_OF_FUEL;
    }
    const word = code[pc]!;
    const dst = (word >>> 16) & 0xff;
    const src = word >>> 24;
    switch (word & 0xffff) {
      case 0x07: {
        // add64Imm
        const imm = code[pc + 1]!;
        const low = regs[dst]!;
        const sum = (low + imm) | 0;
        regs[dst] = sum;
        regs[dst + 1] = regs[dst + 1]! + (imm >> 31) + (sum >>> 0 < low >>> 0 ? 1 : 0);
        break;
      }
      case 0x0f: {
        // add64Reg
        const low = regs[dst]!;
        const sum = (low + regs[src]!) | 0;
        const high = (regs[dst + 1]! + regs[src + 1]!) | 0;
        regs[dst] = sum;
        regs[dst + 1] = high + (sum >>> 0 < low >>> 0 ? 1 : 0);
        break;
      }
      case 0x17: {
        // sub64Imm
        const imm = code[pc + 1]!;
        const low = regs[dst]!;
        regs[dst] = low - imm;
        regs[dst + 1] = regs[dst + 1]! - (imm >> 31) - (low >>> 0 < imm >>> 0 ? 1 : 0);
        break;
      }
      case 0x1f: {
        // sub64Reg
        const low = regs[dst]!;
        const other = regs[src]!;
        const high = (regs[dst + 1]! - regs[src + 1]!) | 0;
        regs[dst] = low - other;
        regs[dst + 1] = high - (low >>> 0 < other >>> 0 ? 1 : 0);
        break;
      }
      case 0x27: {
        // mul64Imm
        const imm = code[pc + 1]!;
        multiply64(regs, dst, imm, imm >> 31);
        break;
      }
      case 0x2f: {
        // mul64Reg
        multiply64(regs, dst, regs[src]!, regs[src + 1]!);
        break;
      }
      case 0x37: {
        // div64Imm
        const imm = code[pc + 1]!;
        divide64(regs, dst, imm, imm >> 31);
        break;
      }
      case 0x3f: {
        // div64Reg
        divide64(regs, dst, regs[src]!, regs[src + 1]!);
        break;
      }
      case 0x97: {
        // mod64Imm
        const imm = code[pc + 1]!;
        modulo64(regs, dst, imm, imm >> 31);
        break;
      }
      case 0x9f: {
        // mod64Reg
        modulo64(regs, dst, regs[src]!, regs[src + 1]!);
        break;
      }
      case 0x47: {
        // or64Imm
        const imm = code[pc + 1]!;
        regs[dst] = regs[dst]! | imm;
        regs[dst + 1] = regs[dst + 1]! | (imm >> 31);
        break;
      }
      case 0x4f: {
        // or64Reg
        regs[dst] = regs[dst]! | regs[src]!;
        regs[dst + 1] = regs[dst + 1]! | regs[src + 1]!;
        break;
      }
      case 0x57: {
        // and64Imm
        const imm = code[pc + 1]!;
        regs[dst] = regs[dst]! & imm;
        regs[dst + 1] = regs[dst + 1]! & (imm >> 31);
        break;
      }
      case 0x5f: {
        // and64Reg
        regs[dst] = regs[dst]! & regs[src]!;
        regs[dst + 1] = regs[dst + 1]! & regs[src + 1]!;
        break;
      }
      case 0xa7: {
        // xor64Imm
        const imm = code[pc + 1]!;
        regs[dst] = regs[dst]! ^ imm;
        regs[dst + 1] = regs[dst + 1]! ^ (imm >> 31);
        break;
      }
      case 0xaf: {
        // xor64Reg
        regs[dst] = regs[dst]! ^ regs[src]!;
        regs[dst + 1] = regs[dst + 1]! ^ regs[src + 1]!;
        break;
      }
      case 0x67: {
        // lsh64Imm
        const count = code[pc + 1]! & 63;
        const low = regs[dst]!;
        const high = regs[dst + 1]!;
        regs[dst] = count < 32 ? low << count : 0;
        regs[dst + 1] =
          count === 0 ? high : count < 32 ? (high << count) | (low >>> (32 - count)) : low << (count - 32);
        break;
      }
      case 0x6f: {
        // lsh64Reg
        const count = regs[src]! & 63;
        const low = regs[dst]!;
        const high = regs[dst + 1]!;
        regs[dst] = count < 32 ? low << count : 0;
        regs[dst + 1] =
          count === 0 ? high : count < 32 ? (high << count) | (low >>> (32 - count)) : low << (count - 32);
        break;
      }
      case 0x77: {
        // rsh64Imm
        const count = code[pc + 1]! & 63;
        const low = regs[dst]!;
        const high = regs[dst + 1]!;
        regs[dst] = count === 0 ? low : count < 32 ? (low >>> count) | (high << (32 - count)) : high >>> (count - 32);
        regs[dst + 1] = count < 32 ? high >>> count : 0;
        break;
      }
      case 0x7f: {
        // rsh64Reg
        const count = regs[src]! & 63;
        const low = regs[dst]!;
        const high = regs[dst + 1]!;
        regs[dst] = count === 0 ? low : count < 32 ? (low >>> count) | (high << (32 - count)) : high >>> (count - 32);
        regs[dst + 1] = count < 32 ? high >>> count : 0;
        break;
      }
      case 0xc7: {
        // arsh64Imm
        const count = code[pc + 1]! & 63;
        const low = regs[dst]!;
        const high = regs[dst + 1]!;
        regs[dst] = count === 0 ? low : count < 32 ? (low >>> count) | (high << (32 - count)) : high >> (count - 32);
        regs[dst + 1] = count < 32 ? high >> count : high >> 31;
        break;
      }
      case 0xcf: {
        // arsh64Reg
        const count = regs[src]! & 63;
        const low = regs[dst]!;
        const high = regs[dst + 1]!;
        regs[dst] = count === 0 ? low : count < 32 ? (low >>> count) | (high << (32 - count)) : high >> (count - 32);
        regs[dst + 1] = count < 32 ? high >> count : high >> 31;
        break;
      }
      case 0xb7: {
        // mov64Imm
        const imm = code[pc + 1]!;
        regs[dst] = imm;
        regs[dst + 1] = imm >> 31;
        break;
      }
      case 0xbf: {
        // mov64Reg
        regs[dst] = regs[src]!;
        regs[dst + 1] = regs[src + 1]!;
        break;
      }
      case 0x87: {
        // neg64
        const low = regs[dst]!;
        regs[dst] = -low;
        regs[dst + 1] = low === 0 ? -regs[dst + 1]! : ~regs[dst + 1]!;
        break;
      }
      case 0x04: {
        // add32Imm
        regs[dst] = regs[dst]! + code[pc + 1]!;
        regs[dst + 1] = 0;
        break;
      }
      case 0x0c: {
        // add32Reg
        regs[dst] = regs[dst]! + regs[src]!;
        regs[dst + 1] = 0;
        break;
      }
      case 0x14: {
        // sub32Imm
        regs[dst] = regs[dst]! - code[pc + 1]!;
        regs[dst + 1] = 0;
        break;
      }
      case 0x1c: {
        // sub32Reg
        regs[dst] = regs[dst]! - regs[src]!;
        regs[dst + 1] = 0;
        break;
      }
      case 0x44: {
        // or32Imm
        regs[dst] = regs[dst]! | code[pc + 1]!;
        regs[dst + 1] = 0;
        break;
      }
      case 0x4c: {
        // or32Reg
        regs[dst] = regs[dst]! | regs[src]!;
        regs[dst + 1] = 0;
        break;
      }
      case 0x54: {
        // and32Imm
        regs[dst] = regs[dst]! & code[pc + 1]!;
        regs[dst + 1] = 0;
        break;
      }
      case 0x5c: {
        // and32Reg
        regs[dst] = regs[dst]! & regs[src]!;
        regs[dst + 1] = 0;
        break;
      }
      case 0xa4: {
        // xor32Imm
        regs[dst] = regs[dst]! ^ code[pc + 1]!;
        regs[dst + 1] = 0;
        break;
      }
      case 0xac: {
        // xor32Reg
        regs[dst] = regs[dst]! ^ regs[src]!;
        regs[dst + 1] = 0;
        break;
      }
      case 0x64: {
        // lsh32Imm
        regs[dst] = regs[dst]! << code[pc + 1]!;
        regs[dst + 1] = 0;
        break;
      }
      case 0x6c: {
        // lsh32Reg
        regs[dst] = regs[dst]! << regs[src]!;
        regs[dst + 1] = 0;
        break;
      }
      case 0x74: {
        // rsh32Imm
        regs[dst] = regs[dst]! >>> code[pc + 1]!;
        regs[dst + 1] = 0;
        break;
      }
      case 0x7c: {
        // rsh32Reg
        regs[dst] = regs[dst]! >>> regs[src]!;
        regs[dst + 1] = 0;
        break;
      }
      case 0xc4: {
        // arsh32Imm
        regs[dst] = regs[dst]! >> code[pc + 1]!;
        regs[dst + 1] = 0;
        break;
      }
      case 0xcc: {
        // arsh32Reg
        regs[dst] = regs[dst]! >> regs[src]!;
        regs[dst + 1] = 0;
        break;
      }
      case 0x24: {
        // mul32Imm
        regs[dst] = Math.imul(regs[dst]!, code[pc + 1]!);
        regs[dst + 1] = 0;
        break;
      }
      case 0x2c: {
        // mul32Reg
        regs[dst] = Math.imul(regs[dst]!, regs[src]!);
        regs[dst + 1] = 0;
        break;
      }
      case 0x34: {
        // div32Imm
        regs[dst] = divide32(regs[dst]!, code[pc + 1]!);
        regs[dst + 1] = 0;
        break;
      }
      case 0x3c: {
        // div32Reg
        regs[dst] = divide32(regs[dst]!, regs[src]!);
        regs[dst + 1] = 0;
        break;
      }
      case 0x94: {
        // mod32Imm
        regs[dst] = modulo32(regs[dst]!, code[pc + 1]!);
        regs[dst + 1] = 0;
        break;
      }
      case 0x9c: {
        // mod32Reg
        regs[dst] = modulo32(regs[dst]!, regs[src]!);
        regs[dst + 1] = 0;
        break;
      }
      case 0xb4: {
        // mov32Imm
        regs[dst] = code[pc + 1]!;
        regs[dst + 1] = 0;
        break;
      }
      case 0xbc: {
        // mov32Reg
        regs[dst] = regs[src]!;
        regs[dst + 1] = 0;
        break;
      }
      case 0x84: {
        // neg32
        regs[dst] = -regs[dst]!;
        regs[dst + 1] = 0;
        break;
      }
      case 0xd4: {
        // le16 le32 le64
        truncate(regs, dst, code[pc + 1]!);
        break;
      }
      case 0xdc: {
        // be16 be32 be64
        swapBytes(regs, dst, code[pc + 1]!);
        break;
      }
      case 0xd7: {
        // bswap16 bswap32 bswap64
        swapBytes(regs, dst, code[pc + 1]!);
        break;
      }
      case 0x15: {
        // jeqImm
        const imm = code[pc + 1]!;
        if (regs[dst] === imm && regs[dst + 1] === imm >> 31) {
          pc = code[pc + 2]!;
          continue;
        }
        break;
      }
      case 0x1d: {
        // jeqReg
        if (regs[dst] === regs[src]! && regs[dst + 1] === regs[src + 1]!) {
          pc = code[pc + 2]!;
          continue;
        }
        break;
      }
      case 0x16: {
        // jeq32Imm
        if (regs[dst] === code[pc + 1]!) {
          pc = code[pc + 2]!;
          continue;
        }
        break;
      }
      case 0x1e: {
        // jeq32Reg
        if (regs[dst] === regs[src]!) {
          pc = code[pc + 2]!;
          continue;
        }
        break;
      }
      case 0x55: {
        // jneImm
        const imm = code[pc + 1]!;
        if (regs[dst] !== imm || regs[dst + 1] !== imm >> 31) {
          pc = code[pc + 2]!;
          continue;
        }
        break;
      }
      case 0x5d: {
        // jneReg
        if (regs[dst] !== regs[src]! || regs[dst + 1] !== regs[src + 1]!) {
          pc = code[pc + 2]!;
          continue;
        }
        break;
      }
      case 0x56: {
        // jne32Imm
        if (regs[dst] !== code[pc + 1]!) {
          pc = code[pc + 2]!;
          continue;
        }
        break;
      }
      case 0x5e: {
        // jne32Reg
        if (regs[dst] !== regs[src]!) {
          pc = code[pc + 2]!;
          continue;
        }
        break;
      }
      case 0x45: {
        // jsetImm
        const imm = code[pc + 1]!;
        if (((regs[dst]! & imm) | (regs[dst + 1]! & (imm >> 31))) !== 0) {
          pc = code[pc + 2]!;
          continue;
        }
        break;
      }
      case 0x4d: {
        // jsetReg
        if (((regs[dst]! & regs[src]!) | (regs[dst + 1]! & regs[src + 1]!)) !== 0) {
          pc = code[pc + 2]!;
          continue;
        }
        break;
      }
      case 0x46: {
        // jset32Imm
        if ((regs[dst]! & code[pc + 1]!) !== 0) {
          pc = code[pc + 2]!;
          continue;
        }
        break;
      }
      case 0x4e: {
        // jset32Reg
        if ((regs[dst]! & regs[src]!) !== 0) {
          pc = code[pc + 2]!;
          continue;
        }
        break;
      }
      case 0x25: {
        // jgtImm
        const imm = code[pc + 1]!;
        const high = regs[dst + 1]!;
        const otherHigh = imm >> 31;
        if (high === otherHigh ? regs[dst]! >>> 0 > imm >>> 0 : high >>> 0 > otherHigh >>> 0) {
          pc = code[pc + 2]!;
          continue;
        }
        break;
      }
      case 0x2d: {
        // jgtReg
        const high = regs[dst + 1]!;
        const otherHigh = regs[src + 1]!;
        if (high === otherHigh ? regs[dst]! >>> 0 > regs[src]! >>> 0 : high >>> 0 > otherHigh >>> 0) {
          pc = code[pc + 2]!;
          continue;
        }
        break;
      }
      case 0x26: {
        // jgt32Imm
        if (regs[dst]! >>> 0 > code[pc + 1]! >>> 0) {
          pc = code[pc + 2]!;
          continue;
        }
        break;
      }
      case 0x2e: {
        // jgt32Reg
        if (regs[dst]! >>> 0 > regs[src]! >>> 0) {
          pc = code[pc + 2]!;
          continue;
        }
        break;
      }
      case 0x35: {
        // jgeImm
        const imm = code[pc + 1]!;
        const high = regs[dst + 1]!;
        const otherHigh = imm >> 31;
        if (high === otherHigh ? regs[dst]! >>> 0 >= imm >>> 0 : high >>> 0 > otherHigh >>> 0) {
          pc = code[pc + 2]!;
          continue;
        }
        break;
      }
      case 0x3d: {
        // jgeReg
        const high = regs[dst + 1]!;
        const otherHigh = regs[src + 1]!;
        if (high === otherHigh ? regs[dst]! >>> 0 >= regs[src]! >>> 0 : high >>> 0 > otherHigh >>> 0) {
          pc = code[pc + 2]!;
          continue;
        }
        break;
      }
      case 0x36: {
        // jge32Imm
        if (regs[dst]! >>> 0 >= code[pc + 1]! >>> 0) {
          pc = code[pc + 2]!;
          continue;
        }
        break;
      }
      case 0x3e: {
        // jge32Reg
        if (regs[dst]! >>> 0 >= regs[src]! >>> 0) {
          pc = code[pc + 2]!;
          continue;
        }
        break;
      }
      case 0xa5: {
        // jltImm
        const imm = code[pc + 1]!;
        const high = regs[dst + 1]!;
        const otherHigh = imm >> 31;
        if (high === otherHigh ? regs[dst]! >>> 0 < imm >>> 0 : high >>> 0 < otherHigh >>> 0) {
          pc = code[pc + 2]!;
          continue;
        }
        break;
      }
      case 0xad: {
        // jltReg
        const high = regs[dst + 1]!;
        const otherHigh = regs[src + 1]!;
        if (high === otherHigh ? regs[dst]! >>> 0 < regs[src]! >>> 0 : high >>> 0 < otherHigh >>> 0) {
          pc = code[pc + 2]!;
          continue;
        }
        break;
      }
      case 0xa6: {
        // jlt32Imm
        if (regs[dst]! >>> 0 < code[pc + 1]! >>> 0) {
          pc = code[pc + 2]!;
          continue;
        }
        break;
      }
      case 0xae: {
        // jlt32Reg
        if (regs[dst]! >>> 0 < regs[src]! >>> 0) {
          pc = code[pc + 2]!;
          continue;
        }
        break;
      }
      case 0xb5: {
        // jleImm
        const imm = code[pc + 1]!;
        const high = regs[dst + 1]!;
        const otherHigh = imm >> 31;
        if (high === otherHigh ? regs[dst]! >>> 0 <= imm >>> 0 : high >>> 0 < otherHigh >>> 0) {
          pc = code[pc + 2]!;
          continue;
        }
        break;
      }
      case 0xbd: {
        // jleReg
        const high = regs[dst + 1]!;
        const otherHigh = regs[src + 1]!;
        if (high === otherHigh ? regs[dst]! >>> 0 <= regs[src]! >>> 0 : high >>> 0 < otherHigh >>> 0) {
          pc = code[pc + 2]!;
          continue;
        }
        break;
      }
      case 0xb6: {
        // jle32Imm
        if (regs[dst]! >>> 0 <= code[pc + 1]! >>> 0) {
          pc = code[pc + 2]!;
          continue;
        }
        break;
      }
      case 0xbe: {
        // jle32Reg
        if (regs[dst]! >>> 0 <= regs[src]! >>> 0) {
          pc = code[pc + 2]!;
          continue;
        }
        break;
      }
      case 0x65: {
        // jsgtImm
        const imm = code[pc + 1]!;
        const high = regs[dst + 1]!;
        const otherHigh = imm >> 31;
        if (high === otherHigh ? regs[dst]! >>> 0 > imm >>> 0 : high > otherHigh) {
          pc = code[pc + 2]!;
          continue;
        }
        break;
      }
      case 0x6d: {
        // jsgtReg
        const high = regs[dst + 1]!;
        const otherHigh = regs[src + 1]!;
        if (high === otherHigh ? regs[dst]! >>> 0 > regs[src]! >>> 0 : high > otherHigh) {
          pc = code[pc + 2]!;
          continue;
        }
        break;
      }
      case 0x66: {
        // jsgt32Imm
        if (regs[dst]! > code[pc + 1]!) {
          pc = code[pc + 2]!;
          continue;
        }
        break;
      }
      case 0x6e: {
        // jsgt32Reg
        if (regs[dst]! > regs[src]!) {
          pc = code[pc + 2]!;
          continue;
        }
        break;
      }
      case 0x75: {
        // jsgeImm
        const imm = code[pc + 1]!;
        const high = regs[dst + 1]!;
        const otherHigh = imm >> 31;
        if (high === otherHigh ? regs[dst]! >>> 0 >= imm >>> 0 : high > otherHigh) {
          pc = code[pc + 2]!;
          continue;
        }
        break;
      }
      case 0x7d: {
        // jsgeReg
        const high = regs[dst + 1]!;
        const otherHigh = regs[src + 1]!;
        if (high === otherHigh ? regs[dst]! >>> 0 >= regs[src]! >>> 0 : high > otherHigh) {
          pc = code[pc + 2]!;
          continue;
        }
        break;
      }
      case 0x76: {
        // jsge32Imm
        if (regs[dst]! >= code[pc + 1]!) {
          pc = code[pc + 2]!;
          continue;
        }
        break;
      }
      case 0x7e: {
        // jsge32Reg
        if (regs[dst]! >= regs[src]!) {
          pc = code[pc + 2]!;
          continue;
        }
        break;
      }
      case 0xc5: {
        // jsltImm
        const imm = code[pc + 1]!;
        const high = regs[dst + 1]!;
        const otherHigh = imm >> 31;
        if (high === otherHigh ? regs[dst]! >>> 0 < imm >>> 0 : high < otherHigh) {
          pc = code[pc + 2]!;
          continue;
        }
        break;
      }
      case 0xcd: {
        // jsltReg
        const high = regs[dst + 1]!;
        const otherHigh = regs[src + 1]!;
        if (high === otherHigh ? regs[dst]! >>> 0 < regs[src]! >>> 0 : high < otherHigh) {
          pc = code[pc + 2]!;
          continue;
        }
        break;
      }
      case 0xc6: {
        // jslt32Imm
        if (regs[dst]! < code[pc + 1]!) {
          pc = code[pc + 2]!;
          continue;
        }
        break;
      }
      case 0xce: {
        // jslt32Reg
        if (regs[dst]! < regs[src]!) {
          pc = code[pc + 2]!;
          continue;
        }
        break;
      }
      case 0xd5: {
        // jsleImm
        const imm = code[pc + 1]!;
        const high = regs[dst + 1]!;
        const otherHigh = imm >> 31;
        if (high === otherHigh ? regs[dst]! >>> 0 <= imm >>> 0 : high < otherHigh) {
          pc = code[pc + 2]!;
          continue;
        }
        break;
      }
      case 0xdd: {
        // jsleReg
        const high = regs[dst + 1]!;
        const otherHigh = regs[src + 1]!;
        if (high === otherHigh ? regs[dst]! >>> 0 <= regs[src]! >>> 0 : high < otherHigh) {
          pc = code[pc + 2]!;
          continue;
        }
        break;
      }
      case 0xd6: {
        // jsle32Imm
        if (regs[dst]! <= code[pc + 1]!) {
          pc = code[pc + 2]!;
          continue;
        }
        break;
      }
      case 0xde: {
        // jsle32Reg
        if (regs[dst]! <= regs[src]!) {
          pc = code[pc + 2]!;
          continue;
        }
        break;
      }
      case 0x05: {
        // ja
        pc = code[pc + 2]!;
        continue;
      }
      case 0x06: {
        // ja32
        pc = code[pc + 2]!;
        continue;
      }
      case 0xe5: {
        // mayGoto
        if (machine.mayGotoLeft-- <= 0) {
          pc = code[pc + 2]!;
          continue;
        }
        break;
      }
      case 0x61: {
        // ldxW
        const address = (regs[src]! + code[pc + 2]!) | 0;
        if (regs[src + 1] !== 0 || !((address & 7) + 4 <= readShadow[address >>> 3]!)) {
          if (!straddles(readShadow, regs[src + 1]!, address, 4))
            return machine.memoryFault("read", pc, fp, fuel, src, 4);
        }
        regs[dst] = data.getInt32(address >>> 0, true);
        regs[dst + 1] = 0;
        break;
      }
      case 0x69: {
        // ldxH
        const address = (regs[src]! + code[pc + 2]!) | 0;
        if (regs[src + 1] !== 0 || !((address & 7) + 2 <= readShadow[address >>> 3]!)) {
          if (!straddles(readShadow, regs[src + 1]!, address, 2))
            return machine.memoryFault("read", pc, fp, fuel, src, 2);
        }
        regs[dst] = data.getUint16(address >>> 0, true);
        regs[dst + 1] = 0;
        break;
      }
      case 0x71: {
        // ldxB
        const address = (regs[src]! + code[pc + 2]!) | 0;
        if (regs[src + 1] !== 0 || !((address & 7) + 1 <= readShadow[address >>> 3]!)) {
          if (!straddles(readShadow, regs[src + 1]!, address, 1))
            return machine.memoryFault("read", pc, fp, fuel, src, 1);
        }
        regs[dst] = u8[address >>> 0]!;
        regs[dst + 1] = 0;
        break;
      }
      case 0x79: {
        // ldxDw
        const address = (regs[src]! + code[pc + 2]!) | 0;
        if (regs[src + 1] !== 0 || !((address & 7) + 8 <= readShadow[address >>> 3]!)) {
          if (!straddles(readShadow, regs[src + 1]!, address, 8))
            return machine.memoryFault("read", pc, fp, fuel, src, 8);
        }
        regs[dst] = data.getInt32(address >>> 0, true);
        regs[dst + 1] = data.getInt32((address + 4) >>> 0, true);
        break;
      }
      case 0x81: {
        // ldxsW
        const address = (regs[src]! + code[pc + 2]!) | 0;
        if (regs[src + 1] !== 0 || !((address & 7) + 4 <= readShadow[address >>> 3]!)) {
          if (!straddles(readShadow, regs[src + 1]!, address, 4))
            return machine.memoryFault("read", pc, fp, fuel, src, 4);
        }
        const value = data.getInt32(address >>> 0, true);
        regs[dst] = value;
        regs[dst + 1] = value >> 31;
        break;
      }
      case 0x89: {
        // ldxsH
        const address = (regs[src]! + code[pc + 2]!) | 0;
        if (regs[src + 1] !== 0 || !((address & 7) + 2 <= readShadow[address >>> 3]!)) {
          if (!straddles(readShadow, regs[src + 1]!, address, 2))
            return machine.memoryFault("read", pc, fp, fuel, src, 2);
        }
        const value = data.getInt16(address >>> 0, true);
        regs[dst] = value;
        regs[dst + 1] = value >> 31;
        break;
      }
      case 0x91: {
        // ldxsB
        const address = (regs[src]! + code[pc + 2]!) | 0;
        if (regs[src + 1] !== 0 || !((address & 7) + 1 <= readShadow[address >>> 3]!)) {
          if (!straddles(readShadow, regs[src + 1]!, address, 1))
            return machine.memoryFault("read", pc, fp, fuel, src, 1);
        }
        const value = data.getInt8(address >>> 0);
        regs[dst] = value;
        regs[dst + 1] = value >> 31;
        break;
      }
      case 0x62: {
        // stW
        const address = (regs[dst]! + code[pc + 2]!) | 0;
        if (regs[dst + 1] !== 0 || !((address & 7) + 4 <= writeShadow[address >>> 3]!)) {
          if (!straddles(writeShadow, regs[dst + 1]!, address, 4))
            return machine.memoryFault("write", pc, fp, fuel, dst, 4);
        }
        data.setInt32(address >>> 0, code[pc + 1]!, true);
        break;
      }
      case 0x6a: {
        // stH
        const address = (regs[dst]! + code[pc + 2]!) | 0;
        if (regs[dst + 1] !== 0 || !((address & 7) + 2 <= writeShadow[address >>> 3]!)) {
          if (!straddles(writeShadow, regs[dst + 1]!, address, 2))
            return machine.memoryFault("write", pc, fp, fuel, dst, 2);
        }
        data.setInt16(address >>> 0, code[pc + 1]!, true);
        break;
      }
      case 0x72: {
        // stB
        const address = (regs[dst]! + code[pc + 2]!) | 0;
        if (regs[dst + 1] !== 0 || !((address & 7) + 1 <= writeShadow[address >>> 3]!)) {
          if (!straddles(writeShadow, regs[dst + 1]!, address, 1))
            return machine.memoryFault("write", pc, fp, fuel, dst, 1);
        }
        u8[address >>> 0] = code[pc + 1]!;
        break;
      }
      case 0x7a: {
        // stDw
        const address = (regs[dst]! + code[pc + 2]!) | 0;
        if (regs[dst + 1] !== 0 || !((address & 7) + 8 <= writeShadow[address >>> 3]!)) {
          if (!straddles(writeShadow, regs[dst + 1]!, address, 8))
            return machine.memoryFault("write", pc, fp, fuel, dst, 8);
        }
        data.setInt32(address >>> 0, code[pc + 1]!, true);
        data.setInt32((address + 4) >>> 0, code[pc + 1]! >> 31, true);
        break;
      }
      case 0x63: {
        // stxW
        const address = (regs[dst]! + code[pc + 2]!) | 0;
        if (regs[dst + 1] !== 0 || !((address & 7) + 4 <= writeShadow[address >>> 3]!)) {
          if (!straddles(writeShadow, regs[dst + 1]!, address, 4))
            return machine.memoryFault("write", pc, fp, fuel, dst, 4);
        }
        data.setInt32(address >>> 0, regs[src]!, true);
        break;
      }
      case 0x6b: {
        // stxH
        const address = (regs[dst]! + code[pc + 2]!) | 0;
        if (regs[dst + 1] !== 0 || !((address & 7) + 2 <= writeShadow[address >>> 3]!)) {
          if (!straddles(writeShadow, regs[dst + 1]!, address, 2))
            return machine.memoryFault("write", pc, fp, fuel, dst, 2);
        }
        data.setInt16(address >>> 0, regs[src]!, true);
        break;
      }
      case 0x73: {
        // stxB
        const address = (regs[dst]! + code[pc + 2]!) | 0;
        if (regs[dst + 1] !== 0 || !((address & 7) + 1 <= writeShadow[address >>> 3]!)) {
          if (!straddles(writeShadow, regs[dst + 1]!, address, 1))
            return machine.memoryFault("write", pc, fp, fuel, dst, 1);
        }
        u8[address >>> 0] = regs[src]!;
        break;
      }
      case 0x7b: {
        // stxDw
        const address = (regs[dst]! + code[pc + 2]!) | 0;
        if (regs[dst + 1] !== 0 || !((address & 7) + 8 <= writeShadow[address >>> 3]!)) {
          if (!straddles(writeShadow, regs[dst + 1]!, address, 8))
            return machine.memoryFault("write", pc, fp, fuel, dst, 8);
        }
        data.setInt32(address >>> 0, regs[src]!, true);
        data.setInt32((address + 4) >>> 0, regs[src + 1]!, true);
        break;
      }
      case 273: {
        // ldxDw from memory that threads share
        const address = (regs[src]! + code[pc + 2]!) | 0;
        if (regs[src + 1] !== 0 || !((address & 7) + 8 <= readShadow[address >>> 3]!)) {
          if (!straddles(readShadow, regs[src + 1]!, address, 8))
            return machine.memoryFault("read", pc, fp, fuel, src, 8);
        }
        machine.loadWhole(address >>> 0, dst);
        break;
      }
      case 274: {
        // stDw to memory that threads share
        const address = (regs[dst]! + code[pc + 2]!) | 0;
        if (regs[dst + 1] !== 0 || !((address & 7) + 8 <= writeShadow[address >>> 3]!)) {
          if (!straddles(writeShadow, regs[dst + 1]!, address, 8))
            return machine.memoryFault("write", pc, fp, fuel, dst, 8);
        }
        machine.storeWhole(address >>> 0, code[pc + 1]!, code[pc + 1]! >> 31);
        break;
      }
      case 275: {
        // stxDw to memory that threads share
        const address = (regs[dst]! + code[pc + 2]!) | 0;
        if (regs[dst + 1] !== 0 || !((address & 7) + 8 <= writeShadow[address >>> 3]!)) {
          if (!straddles(writeShadow, regs[dst + 1]!, address, 8))
            return machine.memoryFault("write", pc, fp, fuel, dst, 8);
        }
        machine.storeWhole(address >>> 0, regs[src]!, regs[src + 1]!);
        break;
      }
      case 0x18: {
        // lddw, whatever it refers to
        regs[dst] = code[pc + 1]!;
        regs[dst + 1] = code[pc + 2]!;
        pc += 2 * STRIDE;
        continue;
      }
      case 0xc3: {
        // every atomic of 4 bytes
        if (!machine.atomic(pc, fp, fuel, dst, src, 4)) return FAULTED;
        break;
      }
      case 0xdb: {
        // every atomic of 8 bytes
        if (!machine.atomic(pc, fp, fuel, dst, src, 8)) return FAULTED;
        break;
      }
      case 0xd3: {
        // load-acquire and store-release of 1 byte
        if (!machine.atomic(pc, fp, fuel, dst, src, 1)) return FAULTED;
        break;
      }
      case 0xcb: {
        // load-acquire and store-release of 2 bytes
        if (!machine.atomic(pc, fp, fuel, dst, src, 2)) return FAULTED;
        break;
      }
      case 256: {
        // sdiv32Imm
        regs[dst] = divideSigned32(regs[dst]!, code[pc + 1]!);
        regs[dst + 1] = 0;
        break;
      }
      case 257: {
        // sdiv32Reg
        regs[dst] = divideSigned32(regs[dst]!, regs[src]!);
        regs[dst + 1] = 0;
        break;
      }
      case 258: {
        // smod32Imm
        regs[dst] = moduloSigned32(regs[dst]!, code[pc + 1]!);
        regs[dst + 1] = 0;
        break;
      }
      case 259: {
        // smod32Reg
        regs[dst] = moduloSigned32(regs[dst]!, regs[src]!);
        regs[dst + 1] = 0;
        break;
      }
      case 260: {
        // sdiv64Imm
        const imm = code[pc + 1]!;
        divideSigned64(regs, dst, imm, imm >> 31);
        break;
      }
      case 261: {
        // sdiv64Reg
        divideSigned64(regs, dst, regs[src]!, regs[src + 1]!);
        break;
      }
      case 262: {
        // smod64Imm
        const imm = code[pc + 1]!;
        moduloSigned64(regs, dst, imm, imm >> 31);
        break;
      }
      case 263: {
        // smod64Reg
        moduloSigned64(regs, dst, regs[src]!, regs[src + 1]!);
        break;
      }
      case 264: {
        // movsx832
        regs[dst] = (regs[src]! << 24) >> 24;
        regs[dst + 1] = 0;
        break;
      }
      case 265: {
        // movsx1632
        regs[dst] = (regs[src]! << 16) >> 16;
        regs[dst + 1] = 0;
        break;
      }
      case 266: {
        // movsx864
        const value = (regs[src]! << 24) >> 24;
        regs[dst] = value;
        regs[dst + 1] = value >> 31;
        break;
      }
      case 267: {
        // movsx1664
        const value = (regs[src]! << 16) >> 16;
        regs[dst] = value;
        regs[dst + 1] = value >> 31;
        break;
      }
      case 268: {
        // movsx3264
        const value = regs[src]!;
        regs[dst] = value;
        regs[dst + 1] = value >> 31;
        break;
      }
      case 0x85: {
        // call of a helper
        machine.park(pc, fp, programBase, fuel);
        const next = machine.callHelper(code[pc + 1]!);
        if (next === NEXT) break;
        if (next === FAULTED) return FAULTED;
        ({ pc, fp } = machine);
        continue;
      }
      case 269: {
        // call of a subprogram
        if (fp - programBase >= programFrames || fp >= lastOpenFrame) {
          machine.park(pc, fp, programBase, fuel);
          if (!machine.openFrame()) return FAULTED;
          lastOpenFrame = machine.lastOpenFrame;
        }
        fp += FRAME_WORDS;
        frames[fp] = pc + STRIDE;
        frames[fp + 1] = regs[12]!;
        frames[fp + 2] = regs[13]!;
        frames[fp + 3] = regs[14]!;
        frames[fp + 4] = regs[15]!;
        frames[fp + 5] = regs[16]!;
        frames[fp + 6] = regs[17]!;
        frames[fp + 7] = regs[18]!;
        frames[fp + 8] = regs[19]!;
        frames[fp + 9] = programBase;
        frames[fp + 10] = machine.tailCallCount;
        regs[20] = stackTop - fp * STACK_BYTES_A_WORD;
        pc = code[pc + 2]!;
        continue;
      }
      case 0x20: // ldAbsW
      case 0x28: // ldAbsH
      case 0x30: // ldAbsB
      case 0x40: // ldIndW
      case 0x48: // ldIndH
      case 0x50: // ldIndB
      case 0x95: {
        // exit, which a legacy load past the packet's end is too (kernel: bpf_gen_ld_abs)
        const opcode = word & 0xffff;
        if (opcode !== 0x95 && machine.loadPacket(opcode, src, code[pc + 1]!)) break;
        const back = frames[fp]!;
        if (back === ENTRY) {
          machine.park(pc, fp, programBase, fuel);
          return EXITED;
        }
        regs[12] = frames[fp + 1]!;
        regs[13] = frames[fp + 2]!;
        regs[14] = frames[fp + 3]!;
        regs[15] = frames[fp + 4]!;
        regs[16] = frames[fp + 5]!;
        regs[17] = frames[fp + 6]!;
        regs[18] = frames[fp + 7]!;
        regs[19] = frames[fp + 8]!;
        programBase = frames[fp + 9]!;
        if (byValue) machine.tailCallCount = frames[fp + 10]!;
        fp -= FRAME_WORDS;
        regs[20] = stackTop - fp * STACK_BYTES_A_WORD;
        if (back !== CALLBACK) {
          pc = back;
          continue;
        }
        machine.park(pc, fp, programBase, fuel);
        if (machine.nextCallback() === FAULTED) return FAULTED;
        ({ pc, fp } = machine);
        continue;
      }
      case 271: {
        // call of tail_call
        machine.park(pc, fp, programBase, fuel);
        const next = machine.tailCall();
        if (next === NEXT) break;
        if (next === FAULTED) return FAULTED;
        ({ code, pc, programBase } = machine);
        continue;
      }
      default:
        machine.park(pc, fp, programBase, fuel);
        return machine.unusable(word & 0xffff);
    }
    pc += STRIDE;
  }
}
