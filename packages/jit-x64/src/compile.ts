import { isProgramArray, type Program } from "@bpfkit/core";
import { planConfinement } from "./confine.js";
import { type FunctionPlan, type ProgramPlan, planProgram } from "./plan.js";
import { scratchFor } from "./scratch.js";
import { Sites } from "./sites.js";
import { emitStubs, type StubImage } from "./stubs.js";
import { type Image, translate } from "./translate.js";
import type { CompileContext } from "./unit.js";

/** An image at its place in the program's code. */
export interface PlacedImage extends Image {
  /** Byte offset in `CompiledProgram.bytes`. */
  readonly at: number;
}

/** A call or jump out of an image, as the last pass fills it in. */
export interface AppliedFixup {
  /** Byte offset of the field in `CompiledProgram.bytes`. */
  readonly at: number;
  /** Slot of the image it goes to, or a stub (below 0). */
  readonly target: number;
  /** The field's value before and after, as a signed 32-bit number. */
  readonly before: number;
  readonly after: number;
}

/** Machine code of one program: its stubs, then an image for each function, independent of where it is put. */
export interface CompiledProgram {
  readonly program: Program;
  readonly plan: ProgramPlan;
  readonly bytes: Uint8Array;
  readonly stubs: StubImage;
  readonly images: readonly PlacedImage[];
  readonly fixups: readonly AppliedFixup[];
  /** What JavaScript is asked about, by the numbers in machine code. */
  readonly sites: Sites;
}

/** Images begin where a cache line's half does. */
const ALIGNMENT = 32;

/** r6–r9: what a frame saves that tail calls enter or leave, so that all of them look alike. */
const ALL_SAVED = [6, 7, 8, 9];

/**
 * Compiles a program. Images are made one by one and laid out; calls between them are filled in by a last pass that
 * changes neither size nor place of anything.
 * @throws {JitError} `BAD_INSTRUCTION`, `BAD_TARGET`, `BAD_MAP`, `TOO_LARGE`, with the place.
 */
export function compileProgram(program: Program, context: CompileContext): CompiledProgram {
  const plan = planProgram(program, context.helpers);
  if (context.safety === "confined") plan.confine = planConfinement(plan);
  const tailCalls = [...context.maps.values()].some(isProgramArray);
  const sites = new Sites();
  const scratch = scratchFor(plan);
  const stubs = emitStubs(context);
  const images: PlacedImage[] = [];
  let at = align(stubs.bytes.length);
  for (const fn of plan.functions.values()) {
    const image = translate(plan, fn, context, sites, savesOf(plan, fn, tailCalls), scratch);
    images.push({ ...image, at });
    at = align(at + image.bytes.length);
  }
  const bytes = new Uint8Array(at).fill(0xcc);
  bytes.set(stubs.bytes);
  for (const image of images) bytes.set(image.bytes, image.at);
  const fixups = applyFixups(bytes, stubs, images);
  return { program, plan, bytes, stubs, images, fixups, sites };
}

/**
 * Frames that a tail call may replace or be replaced by save the same registers; others only those they write. An entry that
 * nothing else calls has nobody to save them for: the stub saves C's.
 */
function savesOf({ functions }: ProgramPlan, fn: FunctionPlan, tailCalls: boolean): readonly number[] {
  if (tailCalls && (fn.start === 0 || fn.ownTailCall)) return ALL_SAVED;
  if (fn.start === 0 && ![...functions.values()].some(({ callees }) => callees.includes(0))) return [];
  return ALL_SAVED.filter((register) => (fn.written & (1 << register)) !== 0);
}

function align(bytes: number): number {
  return Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
}

/** The last pass: distances of calls and jumps between images, written over the fields that wait for them. */
function applyFixups(bytes: Uint8Array, stubs: StubImage, images: readonly PlacedImage[]): AppliedFixup[] {
  const starts = new Map(images.map((image) => [image.start, image.at]));
  const view = new DataView(bytes.buffer);
  const applied: AppliedFixup[] = [];
  for (const image of images) {
    for (const fixup of image.fixups) {
      const at = image.at + fixup.at;
      const to = fixup.target < 0 ? stubs.at.get(fixup.target)! : starts.get(fixup.target)!;
      const before = view.getInt32(at, true);
      const after = to - (at + 4);
      view.setInt32(at, after, true);
      applied.push({ at, target: fixup.target, before, after });
    }
  }
  return applied;
}
