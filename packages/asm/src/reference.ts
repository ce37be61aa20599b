import type { Lexer } from "./lexer.js";
import { takeDisplacement, takeImm32, takeTarget } from "./operand.js";
import type { Output } from "./output.js";
import { wire } from "./wire.js";

/*
 * Operands that name things outside the instruction, in both syntaxes alike:
 *
 *   map[NAME or index]              address of a map
 *   mapval[NAME or index] + 8       address within the value of a map's key 0
 *   map_by_idx(3)                   the same by index in the program's own set of maps (RFC 9669 §5.4.1)
 *   map_val(map_by_idx(3)) + 8
 *   var_addr(NAME or id, btf)       address of a variable of the platform (§5.4.2)
 *   func LABEL                      address of a subprogram
 */

/** Takes a 64-bit immediate that refers to something, if one is next. */
export function takeReference(lexer: Lexer, output: Output, dst: number): Uint8Array | undefined {
  const take = REFERENCES.get(lexer.peek().kind === "name" ? lexer.peek().text : "");
  if (take === undefined) return undefined;
  lexer.take();
  return take(lexer, output, dst);
}

/** The map's name as written and, where that is a number, its index. */
function takeMapName(lexer: Lexer): { map: string; imm: number } {
  lexer.expect("[");
  const { at } = lexer.peek();
  const map = lexer.takeUntil("]");
  if (map === "") lexer.fail("a map's name or index");
  lexer.expect("]");
  if (!/^\d+$/.test(map)) return { map, imm: 0 };
  if (Number(map) > 0xffff_ffff) {
    lexer.failAt("OUT_OF_RANGE", `${map.slice(0, 24)} is no map index, expected 0 to 4294967295`, at);
  }
  return { map, imm: Number(map) | 0 };
}

function takeMap(lexer: Lexer, output: Output, dst: number): Uint8Array {
  const { map, imm } = takeMapName(lexer);
  output.refer({ kind: "map", map });
  return wire("lddwMap", { dst, imm });
}

function takeMapValue(lexer: Lexer, output: Output, dst: number): Uint8Array {
  const { map, imm } = takeMapName(lexer);
  const offset = takeDisplacement(lexer, 32);
  output.refer({ kind: "mapValue", map, offset });
  return wire("lddwMapValue", { dst, imm, nextImm: offset });
}

function takeIndex(lexer: Lexer): number {
  lexer.expect("(");
  const imm = takeImm32(lexer, "a map's index");
  lexer.expect(")");
  return imm;
}

function takeMapByIndex(lexer: Lexer, _: Output, dst: number): Uint8Array {
  return wire("lddwMapIndex", { dst, imm: takeIndex(lexer) });
}

function takeMapValueByIndex(lexer: Lexer, _: Output, dst: number): Uint8Array {
  lexer.expect("(");
  lexer.expect("map_by_idx");
  const imm = takeIndex(lexer);
  lexer.expect(")");
  return wire("lddwMapIndexValue", { dst, imm, nextImm: takeDisplacement(lexer, 32) });
}

function takeVariable(lexer: Lexer, output: Output, dst: number): Uint8Array {
  lexer.expect("(");
  const named = lexer.peek().kind === "name";
  if (named) output.refer({ kind: "extern", symbol: lexer.take().text, of: "variable", weak: false });
  const imm = named ? 0 : takeImm32(lexer, "a variable's name or id");
  const nextImm = !named && lexer.accept(",") ? takeImm32(lexer, "a BTF file descriptor") : 0;
  lexer.expect(")");
  return wire("lddwVariable", { dst, imm, nextImm });
}

function takeFunction(lexer: Lexer, output: Output, dst: number): Uint8Array {
  return wire("lddwCode", { dst, imm: takeTarget(lexer, output, "imm") });
}

const REFERENCES: ReadonlyMap<string, (lexer: Lexer, output: Output, dst: number) => Uint8Array> = new Map([
  ["map", takeMap],
  ["mapval", takeMapValue],
  ["map_by_idx", takeMapByIndex],
  ["map_val", takeMapValueByIndex],
  ["var_addr", takeVariable],
  ["func", takeFunction],
]);
