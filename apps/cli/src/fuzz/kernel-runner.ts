import { isBpfkitError, isProgramArray, type Program } from "@bpfkit/core";
import type { CaseOutcome, FuzzCase, FuzzJudge, FuzzRunner, RunOutcome, SlotChange } from "@bpfkit/fuzz";
import { KernelSession, testRun } from "@bpfkit/kernel";
import { contextBytes, contextFields } from "./context.js";
import { contentsOf } from "./outcome.js";

/** The running kernel as the measure: loads, fills program arrays, test-runs, and gives everything back. */
export function kernelRunner(): FuzzRunner {
  return {
    name: "kernel",
    returnBits: 32,
    run: (subject) => withSession(subject, (session) => carryOut(session, subject)),
  };
}

/** The running kernel's verdicts. The maps of the last case stay open: the next may be its relative. */
export function kernelJudge(): FuzzJudge {
  let last: { readonly maps: FuzzCase["maps"]; readonly session: KernelSession } | undefined;
  return {
    name: "kernel",
    verdicts: ({ maps, programs }) => {
      if (last?.maps !== maps) {
        if (last !== undefined) close(last.session);
        last = undefined;
        last = { maps, session: open(maps) };
      }
      const { session } = last;
      return programs.map((program) => (session.accepts(program) ? { verdict: "accept" } : session.verdict(program)));
    },
  };
}

function withSession<T>(subject: FuzzCase, action: (session: KernelSession) => T): T {
  const session = open(subject.maps);
  try {
    return action(session);
  } finally {
    close(session);
  }
}

/** A session with maps, none of which stay where one cannot be made. */
function open(maps: FuzzCase["maps"]): KernelSession {
  const session = new KernelSession("built");
  session.retain();
  try {
    session.addMaps(maps);
    return session;
  } catch (error) {
    session.release();
    throw error;
  }
}

function close(session: KernelSession): void {
  for (const map of [...session.maps.values()]) map.dispose?.();
  session.release();
}

function carryOut(session: KernelSession, subject: FuzzCase): CaseOutcome {
  const programs = new Map(subject.programs.map((program) => [program.name, program]));
  const rejection = rejectionOf(session, subject.programs);
  if (rejection !== undefined) return { rejection, runs: [], maps: {} };
  for (const slot of subject.slots) fillSlot(session, programs, slot);
  const runs = subject.runs.map(({ program, data, slots = [], ctx: fields, init = [] }): RunOutcome => {
    for (const slot of slots) fillSlot(session, programs, slot);
    for (const { map, key, value } of init) session.maps.get(map)!.set(key, value);
    const chosen = programs.get(program)!;
    const ctx = contextBytes(chosen.type, fields);
    const answer = testRun(session.descriptorOf(chosen), ctx === undefined ? { data } : { data, ctx }, program);
    const told = ctx === undefined ? {} : { ctx: contextFields(answer.ctx) };
    return { r0: BigInt(answer.retval), data: answer.data, ...told };
  });
  return { runs, maps: contentsOf(session.maps) };
}

function rejectionOf(session: KernelSession, programs: readonly Program[]): CaseOutcome["rejection"] {
  for (const program of programs) {
    try {
      session.descriptorOf(program);
    } catch (error) {
      if (!isBpfkitError(error)) throw error;
      return { program: program.name, reason: error.message };
    }
  }
  return undefined;
}

function fillSlot(session: KernelSession, programs: ReadonlyMap<string, Program>, slot: SlotChange): void {
  const array = session.maps.get(slot.map);
  if (array === undefined || !isProgramArray(array)) return;
  if (slot.program === null) array.deleteProgram(slot.index);
  else array.setProgram(slot.index, programs.get(slot.program)!);
}
