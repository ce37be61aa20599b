import { BpfkitError } from "@bpfkit/core";

/**
 * `UNSUPPORTED_MAP_TYPE`: no storage for maps of that type here. `UNSUPPORTED_OPERATION`: Linux lets no program do that to a
 * map of that type. `NOT_SHAREABLE`: other threads cannot attach to it. `LOCKED`: another thread holds its lock and does not let
 * go. The others are what the kernel answers, by the errno's name.
 */
export type MapErrorCode =
  | "UNSUPPORTED_MAP_TYPE"
  | "UNSUPPORTED_OPERATION"
  | "NOT_SHAREABLE"
  | "LOCKED"
  | "EPERM"
  | "ENOENT"
  | "E2BIG"
  | "EEXIST"
  | "EINVAL"
  | "ENOTSUPP";

/** Thrown by maps; the message names the map. */
export class MapError extends BpfkitError<MapErrorCode> {}

/** Negative errnos of the operations programs do. */
export const ENOENT = -2;
export const E2BIG = -7;
export const EEXIST = -17;
export const EINVAL = -22;

const WORDS: ReadonlyMap<number, readonly [MapErrorCode, string]> = new Map([
  [ENOENT, ["ENOENT", "there is no such entry"]],
  [E2BIG, ["E2BIG", "it is full, or the index past its last"]],
  [EEXIST, ["EEXIST", "there is one already"]],
  [EINVAL, ["EINVAL", "no such thing can be done to it"]],
]);

/** Turns what an operation gave into an error, unless it is 0. */
export function throwErrno(result: number, map: string, what: string): void {
  if (result === 0) return;
  const [code, why] = WORDS.get(result)!;
  throw new MapError(code, `map ${map}: ${what}: ${why}`);
}
