import type { Lexer } from "./lexer.js";
import { takeImm32, takeSigned, takeTarget } from "./operand.js";
import type { Output } from "./output.js";
import { wire } from "./wire.js";

/*
 * Calls, in both syntaxes alike:
 *
 *   call 12, call helper 12         a helper by its id
 *   call map_lookup_elem            a label of that name, else a helper
 *   call bpf_loop#181               as the kernel prints it: the id counts
 *   call pc+5, call +5, call local LABEL
 *   call kfunc 40, call runtime 40  a kfunc by its BTF id; `, 1` is the index of its module's descriptor
 */

const EXPECTED = "a helper, a label or a distance such as `pc+5`";

/** Reads what follows `call`. */
export function takeCall(lexer: Lexer, output: Output): Uint8Array {
  const { kind, text } = lexer.peek();
  if (kind === "number") return wire("call", { imm: takeImm32(lexer, EXPECTED) });
  if (kind === "symbol" && (text === "+" || text === "-")) return takeLocal(lexer, output);
  if (kind !== "name") lexer.fail(EXPECTED);
  const { at } = lexer.take();
  const next = lexer.peek();
  if (text === "pc" && (next.text === "+" || next.text === "-")) {
    return wire("callLocal", { imm: takeSigned(lexer, 32, EXPECTED) });
  }
  const mode = next.kind === "name" || next.kind === "number" || next.text === "+" || next.text === "-";
  if (mode && text === "local") return takeLocal(lexer, output);
  if (mode && text === "helper") return takeHelper(lexer, output);
  if (mode && (text === "kfunc" || text === "runtime")) return takeKfunc(lexer, output);
  if (lexer.accept("#")) return wire("call", { imm: takeImm32(lexer, "a helper's id") });
  output.await("imm", text, at, "label or helper");
  return wire("callLocal");
}

function takeLocal(lexer: Lexer, output: Output): Uint8Array {
  return wire("callLocal", { imm: takeTarget(lexer, output, "imm") });
}

function takeHelper(lexer: Lexer, output: Output): Uint8Array {
  if (lexer.peek().kind !== "name") return wire("call", { imm: takeImm32(lexer, "a helper's id or name") });
  const { text, at } = lexer.take();
  output.await("imm", text, at, "helper");
  return wire("call");
}

function takeKfunc(lexer: Lexer, output: Output): Uint8Array {
  if (lexer.peek().kind === "name") {
    output.refer({ kind: "extern", symbol: lexer.take().text, of: "function", weak: false });
    return wire("callKfunc");
  }
  const imm = takeImm32(lexer, "a kfunc's name or BTF id");
  return wire("callKfunc", { imm, offset: lexer.accept(",") ? takeSigned(lexer, 16, "a descriptor's index") : 0 });
}
