import type { ModelStep, TailCallModel } from "@bpfkit/tailcall";
import fc from "fast-check";

/** What a program or subprogram does, one after the other: calls, tail calls of a slot, loops of callbacks. */
export type Step =
  | { readonly call: readonly Step[] }
  | { readonly tail: number }
  | { readonly loop: number; readonly of: readonly Step[] };

/** Random steps; loops only where asked for, as the count model does not know them. */
export function stepsOf(depth: number, loops: boolean): fc.Arbitrary<readonly Step[]> {
  const tail = fc.record({ tail: fc.nat(3) });
  if (depth === 0) return fc.array(tail, { maxLength: 1 });
  const inner = stepsOf(depth - 1, loops);
  const loop = fc.record({ loop: fc.nat(3), of: inner });
  const call = fc.record({ call: inner });
  return fc.array(loops ? fc.oneof(call, tail, loop) : fc.oneof(call, tail), { maxLength: 2 });
}

/** Random programs: slot `i` of the array holds program `pI`, the last slot none. */
export const programsOf = (loops: boolean): fc.Arbitrary<readonly (readonly Step[])[]> =>
  fc.array(stepsOf(3, loops), { minLength: 3, maxLength: 3 });

/**
 * A program that takes these steps, as text. Each function keeps its first argument in r6, sums in r7 what its callees
 * return, adds what stands on its stack from nobody, and returns the sum plus its own number; callbacks return 0.
 */
export function textOf(steps: readonly Step[], number: number): string {
  const functions: string[] = [];
  let labels = 0;
  const body = (list: readonly Step[], label: string, result: string): string =>
    `${label} r6 = r1; r7 = *(u64 *)(r10 - 16); r8 = 1; *(u64 *)(r10 - 16) = r8; ${list.map(step).join(" ")} ${result}; exit;`;
  const step = (one: Step): string => {
    if ("tail" in one) return `r1 = r6; r2 = map[programs]; r3 = ${one.tail}; call tail_call;`;
    const label = `f${labels++}`;
    if ("call" in one) {
      functions.push(body(one.call, `${label}:`, `r0 = r7; r0 += ${labels}`));
      return `r1 = r6; call ${label}; r7 += r0;`;
    }
    functions.push(body(one.of, `${label}:`, "r0 = 0"));
    return `r1 = ${one.loop}; r2 = func ${label}; r3 = r6; r4 = 0; call loop; r7 += r0;`;
  };
  const entry = body(steps, "", `r0 = r7; r0 += ${1000 * (number + 1)}`);
  return [entry, ...functions].join("\n");
}

/** The same for the model of the tail-call count; a slot that is empty does nothing. */
export function modelOf(programs: readonly (readonly Step[])[]): TailCallModel {
  const steps = (list: readonly Step[]): ModelStep[] =>
    list.flatMap((one): ModelStep[] => {
      if ("call" in one) return [{ call: steps(one.call) }];
      return "tail" in one && one.tail < programs.length ? [{ tailCall: `p${one.tail}` }] : [];
    });
  return Object.fromEntries(programs.map((list, index) => [`p${index}`, steps(list)]));
}
