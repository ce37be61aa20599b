import type {
  Effects,
  Engine,
  Fault,
  GuestMemory,
  HelperTable,
  MapId,
  MapSpec,
  MapStorage,
  Profile,
  Program,
  Redirect,
  RunOptions,
} from "@bpfkit/core";
import type { MapField } from "@bpfkit/verifier";

/** What a VM is made of: an object as `parseObject` gives it, or programs and maps from anywhere. */
export interface VmSource {
  readonly programs: readonly Program[];
  readonly maps: readonly MapSpec[];
  /** `.BTF`, for maps read and written by type and for what is special in their values. */
  readonly btf?: Uint8Array;
  /** Special fields of maps' values, by map name, where no BTF says so. */
  readonly mapFields?: ReadonlyMap<string, readonly MapField[]>;
  /** What of the object could not be described, a line each, and the program that is not among the programs because of it. */
  readonly problems?: readonly { readonly message: string; readonly program?: string }[];
}

/** What a map factory gets beside the spec. */
export interface MapEnvironment {
  readonly memory: GuestMemory;
  readonly id: MapId;
  readonly cpus: number;
}

export interface VmOptions {
  /** Default: the interpreter. */
  readonly engine?: Engine;
  /** Default: the newest kernel on x86-64. */
  readonly profile?: Profile;
  /** Default: fixed, so that the same inputs give the same result. */
  readonly effects?: Effects;
  /** Default: every helper there is a body for. */
  readonly helpers?: HelperTable;
  /** CPUs that per-CPU maps have values for. Default 1. */
  readonly cpus?: number;
  /** Makes guest memory that can be shared with other threads (`Vm.share`). Default false. */
  readonly shared?: boolean;
  /** Bytes of guest memory left out at its start, so that everything lies elsewhere: what changes with it depends on addresses. Default 0. */
  readonly memoryOffset?: number;
  /** Makes maps of one's own (of a kernel, of a test): undefined leaves a map to the VM. */
  readonly createMap?: (spec: MapSpec, environment: MapEnvironment) => MapStorage | undefined;
}

/** What a program is run on. */
export interface RunInput {
  /** The packet, or the memory of a `raw` program. */
  readonly data?: Uint8Array;
  /** Fields of the context by their kernel names. */
  readonly ctx?: Readonly<Record<string, bigint | number>>;
}

/** What a run came to. Fields that do not apply are absent. */
export interface Outcome {
  readonly program: string;
  readonly type: string;
  readonly engine: string;
  /** Unsigned 64 bits; 0 after a fault. */
  readonly r0: bigint;
  /** The name of what r0 says: `XDP_PASS`, `TC_ACT_OK`. */
  readonly action?: string;
  readonly instructions?: number;
  readonly tailCalls?: number;
  readonly missedTailCalls?: number;
  /** The packet as it is after the run, where the program type has one. */
  readonly dataOut?: Uint8Array;
  /** Context fields that changed, unsigned. */
  readonly ctx?: Readonly<Record<string, bigint>>;
  readonly redirect?: Redirect;
  readonly fault?: Fault;
}

/** Options of a run; see `RunOptions` of core. `repeat`: run so often on the same context; 0 is 1, as in Linux; state in maps goes on. */
export interface VmRunOptions extends RunOptions {
  readonly repeat?: number;
}
