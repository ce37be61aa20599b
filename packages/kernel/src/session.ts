import { mapTypeByName } from "@bpfkit/abi";
import { functionBtf } from "@bpfkit/btf";
import type { MapId, MapSpec, MapStorage, Program, ProgramBtf } from "@bpfkit/core";
import { mapId } from "@bpfkit/core";
import { attributes, LAYOUTS, NAME_OFFSETS, setName } from "./attributes.js";
import { loadableBtf, loadBtf } from "./btf-object.js";
import { COMMANDS, close, command } from "./command.js";
import { possibleCpus } from "./cpus.js";
import { KernelError } from "./error.js";
import { LOG_STATISTICS, LOG_WALK, type LoadAnswer, type LogLevel, loadProgram } from "./load.js";
import { KernelMap } from "./map.js";
import { KernelMapOfMaps } from "./map-of-maps.js";
import { KernelProgramArray, type ProgramLoader } from "./program-array.js";
import { storageBtf } from "./storage-btf.js";
import { type KernelVerdict, readVerdict } from "./verdict.js";

/** What a program without BTF gets, if it has subprograms: `built` describes them as static functions that return int. */
export type FunctionInfo = "built" | "as-given";

/**
 * Maps in the kernel, and the programs loaded over them. Programs find maps by name. Open maps and everyone who called
 * `retain` keep it open; when the last is gone, the descriptors of its programs are closed.
 */
export class KernelSession implements ProgramLoader {
  readonly #functionInfo: FunctionInfo;
  readonly #maps: Map<string, KernelMap> = new Map();
  readonly #programs: Map<Program, number> = new Map();
  readonly #btf: Map<Uint8Array, number> = new Map();
  #users = 0;
  #lastId = 0;

  constructor(functionInfo: FunctionInfo = "as-given") {
    this.#functionInfo = functionInfo;
  }

  /** The maps that are open, by name. */
  get maps(): ReadonlyMap<string, MapStorage> {
    return this.#maps;
  }

  /**
   * Makes maps; first values are written and frozen maps frozen. `btf`: what the specs' type ids are of. Either all are
   * made or none.
   * @throws {KernelError} with the errno, saying which map.
   */
  addMaps(specs: readonly MapSpec[], btf?: Uint8Array): ReadonlyMap<string, MapStorage> {
    const made = new Map<string, KernelMap>();
    // The session must not close between two maps of one set.
    this.retain();
    try {
      for (const spec of specs) {
        if (this.#maps.has(spec.name)) throw new KernelError("EEXIST", `the session has a map ${spec.name} already`);
        made.set(spec.name, this.#createMap(spec, btf));
      }
      return made;
    } catch (error) {
      for (const map of made.values()) map.dispose();
      throw error;
    } finally {
      this.release();
    }
  }

  /** Someone uses the session; `release` ends that. */
  retain(): void {
    this.#users++;
  }

  release(): void {
    if (--this.#users === 0) this.#closeAll();
  }

  /**
   * The descriptor of a program, which stays the session's. Loads it at the first question.
   * @throws {KernelError} `REJECTED` with the verifier's reason; what `loadProgram` throws.
   */
  descriptorOf(program: Program): number {
    const known = this.#programs.get(program);
    if (known !== undefined) return known;
    const { descriptor, errno } = this.#load(program, 0);
    if (descriptor !== undefined) {
      this.#programs.set(program, descriptor);
      return descriptor;
    }
    const { message } = this.verdict(program);
    const reason = message === undefined || message === "" ? "no reason given" : message.replaceAll("\n", "; ");
    // Without a word of the verifier it was the load that was refused: a program array's owner is of another kind.
    const code = message === undefined || message === "" ? (errno as `E${string}`) : "REJECTED";
    throw new KernelError(code, `the kernel refused it with ${errno}: ${reason}`, { program: program.name });
  }

  /**
   * The kernel's verdict on a program, which is not kept loaded. A rejection is asked for twice: its reason is what stands
   * behind the last instruction walked, and only log level 1 shows that. `logLevel` decides what `log` holds.
   */
  verdict(program: Program, logLevel: LogLevel = 0, logBytes?: number): KernelVerdict {
    const first = this.#answer(program, logLevel | LOG_STATISTICS, logBytes);
    // A log larger than its buffer is ENOSPC, even where the program was accepted: then it is asked again without one.
    const errno = first.errno === "ENOSPC" ? this.#answer(program, 0).errno : first.errno;
    const walk = errno === undefined ? first.log : this.#answer(program, LOG_WALK | LOG_STATISTICS).log;
    return { ...readVerdict(errno, walk), log: first.log };
  }

  /** Whether the kernel takes a program, which is not kept loaded. Asked without a log, so quicker than `verdict`. */
  accepts(program: Program): boolean {
    return this.#answer(program, 0).errno === undefined;
  }

  #answer(program: Program, logLevel: LogLevel, logBytes?: number): LoadAnswer {
    const answer = this.#load(program, logLevel, logBytes);
    if (answer.descriptor !== undefined) close(answer.descriptor);
    return answer;
  }

  #load(program: Program, logLevel: LogLevel, logBytes?: number): LoadAnswer {
    if (this.#users === 0) {
      throw new KernelError("CLOSED", "its session is closed: retain it before use", { program: program.name });
    }
    const btf = this.#btfOf(program);
    return loadProgram(program, {
      mapDescriptor: (name, slot) => this.#mapDescriptor(program, name, slot),
      ...(btf === undefined ? {} : { btf: { descriptor: this.#btfDescriptor(btf.types), of: btf } }),
      logLevel,
      ...(logBytes === undefined ? {} : { logBytes }),
    });
  }

  #mapDescriptor(program: Program, name: string, slot: number): number {
    const map = this.#maps.get(name);
    if (map !== undefined) return map.descriptor;
    const what = `refers to map ${name}, which is not among the set's kernel maps (${[...this.#maps.keys()].join(", ")})`;
    throw new KernelError("UNKNOWN_MAP", what, { program: program.name, slot });
  }

  #btfOf(program: Program): ProgramBtf | undefined {
    const { btf, subprograms } = program;
    if (this.#functionInfo === "as-given") return btf;
    // The kernel wants a row for each subprogram, or none.
    if (btf !== undefined && btf.functions.length >= subprograms.length) return btf;
    return subprograms.length < 2 ? undefined : builtBtf(program);
  }

  #btfDescriptor(types: Uint8Array): number {
    let descriptor = this.#btf.get(types);
    if (descriptor === undefined) {
      descriptor = loadBtf(loadableBtf(types));
      this.#btf.set(types, descriptor);
    }
    return descriptor;
  }

  #createMap(spec: MapSpec, btf: Uint8Array | undefined): KernelMap {
    const descriptor = this.#createDescriptor(spec, btf);
    const id = mapId(++this.#lastId);
    const closed = (): void => {
      if (this.#maps.get(spec.name) === map) this.#maps.delete(spec.name);
      this.release();
    };
    const map = this.#wrap(spec, id, descriptor, closed);
    this.#maps.set(spec.name, map);
    this.retain();
    try {
      if (spec.contents !== undefined) map.set(new Uint8Array(spec.keySize), spec.contents);
      if (spec.frozen === true) map.freeze();
    } catch (error) {
      map.dispose();
      throw error;
    }
    return map;
  }

  #wrap(spec: MapSpec, id: MapId, descriptor: number, closed: () => void): KernelMap {
    if (spec.type === "prog_array") return new KernelProgramArray(spec, id, descriptor, closed, this);
    if (spec.inner !== undefined) return new KernelMapOfMaps(spec, id, descriptor, closed, () => this.#maps.values());
    return new KernelMap(spec, id, descriptor, closed);
  }

  #createDescriptor(spec: MapSpec, btf: Uint8Array | undefined): number {
    const inner = spec.inner === undefined ? undefined : this.#createDescriptor(spec.inner, btf);
    const types = this.#mapTypes(spec, btf);
    try {
      return createMap(spec, inner, types);
    } catch (error) {
      // Some types of maps take no BTF, or none for a key they have not; as libbpf, ask again without.
      if (types.btf === undefined || !(error instanceof KernelError)) throw error;
      return createMap(spec, inner, {});
    } finally {
      if (inner !== undefined) close(inner);
    }
  }

  /** BTF is passed where a map type cannot do without it or the value's type says so (timers, locks). */
  #mapTypes(spec: MapSpec, btf: Uint8Array | undefined): MapBtf {
    if (btf !== undefined && spec.section === undefined && spec.btfValueTypeId !== undefined) {
      const types = { btfKeyType: spec.btfKeyTypeId ?? 0, btfValueType: spec.btfValueTypeId };
      return { btf: this.#btfDescriptor(btf), ...types };
    }
    if (mapTypeByName(spec.type).btf !== true) return {};
    const storage = storageBtf(spec.valueSize);
    return { btf: this.#btfDescriptor(storage.types), btfKeyType: storage.key, btfValueType: storage.value };
  }

  #closeAll(): void {
    for (const descriptor of [...this.#programs.values(), ...this.#btf.values()]) close(descriptor);
    this.#programs.clear();
    this.#btf.clear();
  }
}

/** The BTF a map is made with: a descriptor and ids of types. */
interface MapBtf {
  readonly btf?: number;
  readonly btfKeyType?: number;
  readonly btfValueType?: number;
}

function createMap(spec: MapSpec, innerMap: number | undefined, btf: MapBtf): number {
  const { keySize, valueSize, flags, extra } = spec;
  const type = mapTypeByName(spec.type).id;
  const fields = attributes(LAYOUTS.mapCreate, {
    ...{ type, keySize, valueSize, maxEntries: entriesOf(spec), flags, innerMap, extra },
    ...btf,
  });
  setName(fields, NAME_OFFSETS.mapCreate, spec.name);
  return command(COMMANDS.mapCreate, fields, `creating ${spec.type} map ${spec.name}`);
}

/** Objects leave the size of a perf event array to the loader, as libbpf has it: one entry a CPU. */
function entriesOf({ type, maxEntries }: MapSpec): number {
  return type === "perf_event_array" && maxEntries === 0 ? possibleCpus() : maxEntries;
}

/** One BTF section for each program, so that its descriptor is found again by identity. */
const built: WeakMap<Program, ProgramBtf> = new WeakMap();

function builtBtf(program: Program): ProgramBtf {
  let btf = built.get(program);
  if (btf === undefined) {
    const functions = program.subprograms.map(({ name, start }) => ({ name: identifier(name), slot: start }));
    btf = functionBtf(functions, program.type);
    built.set(program, btf);
  }
  return btf;
}

/** A name the kernel takes for a C function. */
function identifier(name: string): string {
  const allowed = name.replace(/[^A-Za-z0-9_]/g, "_");
  return /^[A-Za-z_]/.test(allowed) ? allowed : `_${allowed}`;
}
