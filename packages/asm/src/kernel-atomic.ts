import type { Operation } from "@bpfkit/isa";
import {
  ATOMIC,
  expectSame,
  type Register,
  takeAddress,
  takeMemory,
  takePointer,
  takeRegister,
  takeValueRegister,
  UNSIGNED,
} from "./kernel-operand.js";
import type { Lexer } from "./lexer.js";
import { ATOMIC_ASSIGNMENTS, FETCHES, inverse, rowFor } from "./operation.js";
import { wire } from "./wire.js";

const OPERATIONS: ReadonlyMap<string, Operation> = inverse(ATOMIC_ASSIGNMENTS);
const FETCH_OPERATIONS: ReadonlyMap<string, Operation> = inverse(FETCHES);

/** `*(u64 *)(r1 + 0) += r0`, behind `lock`. */
export function takeLock(lexer: Lexer): Uint8Array {
  lexer.expect("*");
  const { bits } = takePointer(lexer, ATOMIC);
  const { base, offset } = takeMemory(lexer);
  const operation = OPERATIONS.get(lexer.peek().text);
  if (operation === undefined) lexer.fail(`one of ${[...OPERATIONS.keys()].join(" ")}`);
  lexer.take();
  return wire(rowFor(operation, bits, "[dst+offset],src"), { dst: base, offset, src: takeValueRegister(lexer, bits) });
}

/** `((u32 *)(r1 + 4), w2)`, behind `store_release`. */
export function takeRelease(lexer: Lexer): Uint8Array {
  lexer.expect("(");
  const { bits } = takePointer(lexer, UNSIGNED);
  const { base, offset } = takeMemory(lexer);
  lexer.expect(",");
  const src = takeValueRegister(lexer, bits);
  lexer.expect(")");
  return wire(rowFor("storeRelease", bits, "[dst+offset],src"), { dst: base, offset, src });
}

const KERNEL_NAME = /^atomic(?:64)?_(fetch_(?:add|or|and|xor)|xchg|cmpxchg)$/;
const LLVM_NAME = /^(xchg|cmpxchg)(_64|32_32)$/;

/**
 * What gives the old value back, in every spelling:
 *
 *   r1 = atomic_fetch_add((u64 *)(r0 + 8), r1)        kernel and LLVM; the kernel writes atomic64_ for 64 bits
 *   r0 = atomic64_cmpxchg((u64 *)(r1 + 8), r0, r2)    kernel
 *   r0 = cmpxchg_64(r1 + 8, r0, r2)                   LLVM
 *   w2 = load_acquire((u32 *)(r1 + 8))
 */
export function takeAtomicResult(lexer: Lexer, dst: Register): Uint8Array | undefined {
  const { text } = lexer.peek();
  if (text === "load_acquire") return takeAcquire(lexer, dst);
  const [, kernel] = KERNEL_NAME.exec(text) ?? [];
  const [, llvm, suffix] = LLVM_NAME.exec(text) ?? [];
  const name = kernel ?? llvm;
  if (name === undefined) return undefined;
  lexer.take();
  lexer.expect("(");
  const bits = suffix === undefined ? takePointer(lexer, ATOMIC).bits : suffix === "_64" ? 64 : 32;
  // The kernel writes r registers for 32 bits too.
  if (dst.width < bits || (dst.width > bits && llvm !== undefined)) failWidth(lexer, dst);
  const { base, offset } = suffix === undefined ? takeMemory(lexer) : takeAddress(lexer);
  lexer.expect(",");
  const src = name === "cmpxchg" ? takeReplacement(lexer, dst) : takeOwn(lexer, dst);
  lexer.expect(")");
  const operation = FETCH_OPERATIONS.get(name.replace("fetch_", "")) ?? (name as Operation);
  return wire(rowFor(operation, bits, "[dst+offset],src"), { dst: base, src, offset });
}

function failWidth(lexer: Lexer, { width, number, at }: Register): never {
  const [wanted, found, bits] = width === 32 ? ["r", "w", 64] : ["w", "r", 32];
  return lexer.failAt("SYNTAX", `expected ${wanted}${number} on the left of ${bits} bits, found ${found}${number}`, at);
}

/** The value operand of a fetch: the old value comes back in its own register. */
function takeOwn(lexer: Lexer, dst: Register): number {
  expectSame(lexer, dst);
  return dst.number;
}

/** `r0, r2`: compare with r0, replace by r2; the old value comes back in r0. */
function takeReplacement(lexer: Lexer, dst: Register): number {
  if (dst.number !== 0) {
    const letter = dst.width === 64 ? "r" : "w";
    lexer.failAt(
      "SYNTAX",
      `expected ${letter}0 on the left of a compare and exchange, found ${letter}${dst.number}`,
      dst.at,
    );
  }
  expectSame(lexer, dst);
  lexer.expect(",");
  return takeRegister(lexer, dst.width).number;
}

function takeAcquire(lexer: Lexer, dst: Register): Uint8Array {
  lexer.take();
  lexer.expect("(");
  const { bits } = takePointer(lexer, UNSIGNED);
  if (dst.width < bits) failWidth(lexer, dst);
  const { base, offset } = takeMemory(lexer);
  lexer.expect(")");
  return wire(rowFor("loadAcquire", bits, "dst,[src+offset]"), { dst: dst.number, src: base, offset });
}
