/** A number between two bounds, as signed 64-bit; both bounds are safe integers. */
export interface Numbers {
  readonly kind: "number";
  readonly min: number;
  readonly max: number;
}

/** A range of a frame, in bytes from its top (r10): negative. */
export interface FramePlace {
  /** Index of the subprogram whose frame it is. */
  readonly frame: number;
  readonly min: number;
  readonly max: number;
}

/** A pointer into one of some frames; at most one place for each frame, ascending. It may be something else as well. */
export interface StackPointer {
  readonly kind: "stack";
  readonly places: readonly FramePlace[];
}

/** One of some maps. */
export interface MapPointer {
  readonly kind: "map";
  readonly maps: readonly string[];
}

/** An address inside the value of a map's key 0. */
export interface MapValuePointer {
  readonly kind: "mapValue";
  readonly map: string;
  readonly offset: number;
}

/** A subprogram's address. */
export interface CodePointer {
  readonly kind: "code";
  readonly subprogram: number;
}

/** What a register or a spilled slot can hold; undefined: anything but a pointer to the stack. */
export type Value = undefined | Numbers | StackPointer | MapPointer | MapValuePointer | CodePointer;

/** Lowest offset of a frame, from its top. */
export const FRAME_BOTTOM = -512;

/** Undefined where a bound is no safe integer. */
export function numbers(min: number, max: number): Value {
  return Number.isSafeInteger(min) && Number.isSafeInteger(max) ? { kind: "number", min, max } : undefined;
}

export function constant(value: number): Value {
  return numbers(value, value);
}

/** The number a value certainly is. */
export function constantOf(value: Value): number | undefined {
  return value?.kind === "number" && value.min === value.max ? value.min : undefined;
}

export function stackPointer(frame: number, offset: number): StackPointer {
  return { kind: "stack", places: [{ frame, min: offset, max: offset }] };
}

/** Moves a pointer by a number; by an unknown one it may be anywhere in its frame. */
export function movePointer(pointer: StackPointer, by: Value, sign: 1 | -1): StackPointer {
  const known = by?.kind === "number" ? by : undefined;
  return {
    kind: "stack",
    places: pointer.places.map(({ frame, min, max }) => {
      if (known === undefined) return { frame, min: FRAME_BOTTOM, max: 0 };
      const ends = [known.min * sign, known.max * sign];
      return { frame, min: min + Math.min(...ends), max: max + Math.max(...ends) };
    }),
  };
}

/** The least value that holds what either holds. With `widen`, a bound that moved goes to its end, so that joining ends. */
export function join(one: Value, other: Value, widen = false): Value {
  if (same(one, other)) return one;
  if (one?.kind === "stack" || other?.kind === "stack") return joinStack(one, other, widen);
  if (one === undefined || other === undefined) return undefined;
  if (one.kind === "number" && other.kind === "number") {
    return widen ? undefined : numbers(Math.min(one.min, other.min), Math.max(one.max, other.max));
  }
  if (one.kind === "map" && other.kind === "map") {
    return { kind: "map", maps: [...new Set([...one.maps, ...other.maps])].sort() };
  }
  return undefined;
}

/** A pointer to the stack outlives joining with anything: a store through it must be seen. */
function joinStack(one: Value, other: Value, widen: boolean): StackPointer {
  const places = new Map<number, FramePlace>();
  for (const value of [one, other]) {
    if (value?.kind !== "stack") continue;
    for (const place of value.places) {
      const known = places.get(place.frame);
      places.set(place.frame, known === undefined ? place : joinPlace(known, place, widen));
    }
  }
  return { kind: "stack", places: [...places.values()].sort((a, b) => a.frame - b.frame) };
}

function joinPlace(one: FramePlace, other: FramePlace, widen: boolean): FramePlace {
  const min = Math.min(one.min, other.min);
  const max = Math.max(one.max, other.max);
  if (!widen || (min === one.min && max === one.max)) return { frame: one.frame, min, max };
  return { frame: one.frame, min: FRAME_BOTTOM, max: 0 };
}

export function same(one: Value, other: Value): boolean {
  if (one === other) return true;
  if (one === undefined || other === undefined || one.kind !== other.kind) return false;
  switch (one.kind) {
    case "number":
      return one.min === (other as Numbers).min && one.max === (other as Numbers).max;
    case "map":
      return one.maps.join("\0") === (other as MapPointer).maps.join("\0");
    case "mapValue":
      return one.map === (other as MapValuePointer).map && one.offset === (other as MapValuePointer).offset;
    case "code":
      return one.subprogram === (other as CodePointer).subprogram;
    case "stack":
      return samePlaces(one.places, (other as StackPointer).places);
  }
}

function samePlaces(one: readonly FramePlace[], other: readonly FramePlace[]): boolean {
  return (
    one.length === other.length &&
    one.every(({ frame, min, max }, at) => {
      const place = other[at]!;
      return frame === place.frame && min === place.min && max === place.max;
    })
  );
}
