import type { Row } from "@bpfkit/isa";
import { constantOf, type Numbers, numbers, type Value } from "./value.js";

type Comparison = "eq" | "lt" | "le";

/** A jump's condition as one of three comparisons of its operands, perhaps swapped, perhaps negated. */
const CONDITIONS: Partial<
  Record<Row["operation"], { test: Comparison; signed: boolean; swap?: boolean; negate?: boolean }>
> = {
  jeq: { test: "eq", signed: true },
  jne: { test: "eq", signed: true, negate: true },
  jlt: { test: "lt", signed: false },
  jle: { test: "le", signed: false },
  jgt: { test: "lt", signed: false, swap: true },
  jge: { test: "le", signed: false, swap: true },
  jslt: { test: "lt", signed: true },
  jsle: { test: "le", signed: true },
  jsgt: { test: "lt", signed: true, swap: true },
  jsge: { test: "le", signed: true, swap: true },
};

/** The operand as a range of the order the jump compares in; undefined where it lies in two pieces or is no number. */
function ordered(value: Value, width: number, signed: boolean): Numbers | undefined {
  if (value?.kind !== "number") return undefined;
  const fixed = constantOf(value);
  if (width === 32) {
    if (fixed !== undefined) {
      const low = Number((signed ? BigInt.asIntN : BigInt.asUintN)(32, BigInt(fixed)));
      return { kind: "number", min: low, max: low };
    }
    return value.min >= 0 && value.max < 2 ** (signed ? 31 : 32) ? value : undefined;
  }
  if (signed || value.min >= 0) return value;
  // Unsigned, a negative number lies above every other; two of them keep their order.
  return value.max < 0 ? { kind: "number", min: value.min + 2 ** 64, max: value.max + 2 ** 64 } : undefined;
}

function holds(test: Comparison, a: Numbers, b: Numbers): boolean | undefined {
  if (test === "eq") {
    if (a.max < b.min || b.max < a.min) return false;
    return a.min === a.max && b.min === b.max ? a.min === b.min : undefined;
  }
  if (test === "lt" ? a.max < b.min : a.max <= b.min) return true;
  return (test === "lt" ? a.min >= b.max : a.min > b.max) ? false : undefined;
}

/** Whether a conditional jump is taken; undefined where both ways are open. */
export function decide({ operation, width }: Row, dst: Value, src: Value): boolean | undefined {
  if (operation === "jset") {
    const [a, b] = [constantOf(dst), constantOf(src)];
    if (b === 0) return false;
    return a === undefined || b === undefined ? undefined : BigInt.asUintN(width!, BigInt(a) & BigInt(b)) !== 0n;
  }
  const condition = CONDITIONS[operation];
  if (condition === undefined) return undefined;
  const a = ordered(dst, width!, condition.signed);
  const b = ordered(src, width!, condition.signed);
  if (a === undefined || b === undefined || beyondDoubles(a, b)) return undefined;
  const result = condition.swap === true ? holds(condition.test, b, a) : holds(condition.test, a, b);
  return result === undefined ? undefined : result !== (condition.negate ?? false);
}

/** Doubles do not tell 64-bit numbers apart that lie near each other. */
function beyondDoubles(a: Numbers, b: Numbers): boolean {
  return a.min > 2 ** 53 && b.min > 2 ** 53;
}

/** What the destination is known to be on one side of a conditional jump against `src`. */
export function refine({ operation, width }: Row, taken: boolean, dst: Value, src: Value): Value {
  const condition = CONDITIONS[operation];
  const bound = constantOf(src);
  if (condition === undefined || bound === undefined || dst?.kind === "stack") return dst;
  const is = taken !== (condition.negate ?? false);
  const known = dst?.kind === "number" ? dst : undefined;
  // A jump of 32 bits says nothing of the upper half: both must be numbers that have none.
  const isSmall = (min: number, max: number): boolean => min >= 0 && max < 2 ** 31;
  if (width === 32 && !(known !== undefined && isSmall(known.min, known.max) && isSmall(bound, bound))) return dst;
  if (dst !== undefined && known === undefined) return dst;
  if (condition.test === "eq") return is ? src : shrink(known, bound);
  return narrow(condition, is, known, bound);
}

/** Takes an end off that the number is known not to be. */
function shrink(known: Numbers | undefined, not: number): Value {
  if (known === undefined || known.min === known.max) return known;
  if (known.min === not) return numbers(not + 1, known.max);
  return known.max === not ? numbers(known.min, not - 1) : known;
}

function narrow(
  { test, signed, swap = false }: { test: Comparison; signed: boolean; swap?: boolean },
  is: boolean,
  known: Numbers | undefined,
  bound: number,
): Value {
  if (!signed && bound < 0) return known;
  const strict = (test === "lt") === is;
  const below = swap !== is;
  if (below) {
    const max = strict ? bound - 1 : bound;
    if (known !== undefined && (signed || known.min >= 0)) return range(known.min, Math.min(known.max, max), known);
    return signed ? known : range(0, max, known);
  }
  const min = strict ? bound + 1 : bound;
  return known === undefined || (!signed && known.min < 0) ? known : range(Math.max(known.min, min), known.max, known);
}

/** An empty range means the way is never taken; what was known stays good for it. */
function range(min: number, max: number, known: Numbers | undefined): Value {
  return min <= max ? numbers(min, max) : known;
}
