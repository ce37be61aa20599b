import type {
  BatchResult,
  Engine,
  Linked,
  LinkSet,
  MapSpec,
  MapStorage,
  Program,
  ProgramId,
  RunContext,
  RunResult,
} from "@bpfkit/core";
import { isProgramArray, programId } from "@bpfkit/core";
import { kernelAvailability } from "./availability.js";
import { bridgeContext } from "./context.js";
import { possibleCpus } from "./cpus.js";
import { KernelError } from "./error.js";
import { type FunctionInfo, KernelSession } from "./session.js";
import { testRun } from "./test-run.js";

export interface KernelEngineOptions {
  /** What a program with subprograms and without BTF is loaded with; `built` where left out. */
  readonly functionInfo?: FunctionInfo;
}

/** The session a kernel map belongs to. */
const sessions: WeakMap<MapStorage, KernelSession> = new WeakMap();

/**
 * The running kernel as an engine. Its maps come from `createMaps`; contexts are copied out of guest memory for each run
 * and back. Programs run as a test run runs them: helpers, effects and tail calls are the kernel's own, r0 has 32 bits, and
 * there are neither counts, steps nor budgets. Nothing is attached.
 */
export function kernelEngine(options: KernelEngineOptions = {}): Engine {
  const functionInfo = options.functionInfo ?? "built";
  let current = new KernelSession(functionInfo);
  return {
    name: "kernel",
    get capabilities() {
      const cpus = kernelAvailability().available ? { cpus: possibleCpus() } : {};
      return { counts: false, steps: false, budget: false, workers: false, returnBits: 32, ...cpus } as const;
    },
    availability: kernelAvailability,
    createMaps(specs: readonly MapSpec[], btf?: Uint8Array) {
      requireKernel();
      // Maps of objects that come one after the other may belong together; maps of the same name cannot.
      if (specs.some(({ name }) => current.maps.has(name))) current = new KernelSession(functionInfo);
      const maps = current.addMaps(specs, btf);
      for (const map of maps.values()) sessions.set(map, current);
      return maps;
    },
    link(set: LinkSet): Linked {
      requireKernel();
      return new KernelLinked(set, kernelSessionOf(set.maps) ?? new KernelSession(functionInfo));
    },
  };
}

/**
 * The session of a set's maps: for what the engine's interface has no room for, such as verdicts.
 * @throws {KernelError} `UNKNOWN_MAP` where they are not maps of one session.
 */
export function kernelSessionOf(maps: ReadonlyMap<string, MapStorage>): KernelSession | undefined {
  let found: KernelSession | undefined;
  for (const [name, map] of maps) {
    const session = sessions.get(map);
    if (session === undefined || (found !== undefined && session !== found)) {
      const what = session === undefined ? "is no map of the kernel" : "belongs to another set";
      throw new KernelError(
        "UNKNOWN_MAP",
        `map ${name} ${what}: make a set's maps with createMaps of one kernel engine`,
      );
    }
    found = session;
  }
  return found;
}

/** @throws {KernelError} `NOT_AVAILABLE` with the reason. */
function requireKernel(): void {
  const answer = kernelAvailability();
  if (!answer.available) throw new KernelError("NOT_AVAILABLE", answer.reason);
}

class KernelLinked implements Linked {
  readonly set: LinkSet;
  readonly #session: KernelSession;
  readonly #programs: Program[];
  #open = true;

  constructor(set: LinkSet, session: KernelSession) {
    this.set = set;
    this.#session = session;
    this.#programs = [...set.programs];
    session.retain();
    try {
      for (const program of set.programs) session.descriptorOf(program);
    } catch (error) {
      this.dispose();
      throw error;
    }
  }

  run(program: ProgramId, context: RunContext): RunResult {
    return this.#testRun(program, context, 1);
  }

  /** One test run that repeats in the kernel: the packet stays as the run before left it. */
  repeat(program: ProgramId, count: number, context: RunContext): BatchResult {
    const last = count > 0 ? [this.#testRun(program, context, count).r0] : [];
    return { r0: BigUint64Array.from(last), completed: count };
  }

  #testRun(program: ProgramId, context: RunContext, count: number): RunResult {
    if (!this.#open) throw new KernelError("CLOSED", "the linked set was disposed of");
    const chosen = this.#programs[program];
    if (chosen === undefined) throw new KernelError("EINVAL", `the set has no program ${program}`);
    const bridge = bridgeContext(chosen.type, context, this.set.memory);
    const input = bridge.input();
    // Types that take no repeat are asked again and again.
    const [asked, times] = input.repeat === 0 ? [0, count] : [count, 1];
    const descriptor = this.#session.descriptorOf(chosen);
    const ask = () => testRun(descriptor, { ...input, repeat: asked }, `program ${chosen.name}`);
    let answer = ask();
    for (let time = 1; time < times; time++) answer = ask();
    bridge.output(answer);
    return { r0: BigInt(answer.retval) };
  }

  runMany(program: ProgramId, count: number, prepare: (index: number) => RunContext): BatchResult {
    const r0 = new BigUint64Array(count);
    for (let i = 0; i < count; i++) r0[i] = this.run(program, prepare(i)).r0;
    return { r0, completed: count };
  }

  idOf(program: Program): ProgramId | undefined {
    let index = this.#programs.indexOf(program);
    if (index < 0 && this.#inArray(program)) index = this.#programs.push(program) - 1;
    return index < 0 ? undefined : programId(index);
  }

  dispose(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#session.release();
  }

  #inArray(program: Program): boolean {
    const arrays = [...this.set.maps.values()].filter(isProgramArray);
    return arrays.some((array) => array.programs().some(([, member]) => member === program));
  }
}
