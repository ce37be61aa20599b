import type { Group } from "./results.js";

/** A program to run, on what, with what around it. */
export interface Workload {
  readonly group: Group;
  readonly name: string;
  /** The object of `workloads/objects`, without its ending. */
  readonly object: string;
  readonly program: string;
  readonly packet: Uint8Array;
  /** Also native code: the source in `workloads/c`, without its ending. */
  readonly native?: string;
  /** Slots of program arrays. */
  readonly slots?: readonly { readonly map: string; readonly index: number; readonly program: string }[];
  /** Maps are filled with keys that are multiples of this. */
  readonly keyStep?: number;
  /** Operations in a run, where a run is so many of the same. */
  readonly operations?: number;
  readonly x?: number;
  /** A map whose counter of key 0, over all CPUs, says how many operations there were. */
  readonly counts?: string;
}

/** Bytes of packet that hashes and checksums go over. */
const LONG = 3000;

/** A packet with bytes of every value. */
export function bytesPacket(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (i * 7 + (i >> 3)) & 255);
}

function textPacket(): Uint8Array {
  const text = " abcdefg 0123-xy\nzz";
  return Uint8Array.from({ length: LONG }, (_, i) => text.charCodeAt((i * 7 + (i >> 4)) % text.length));
}

/** Ethernet, IPv4, UDP to port 80, 64 bytes in all. */
export function udpPacket(): Uint8Array {
  const packet = new Uint8Array(64);
  packet.set([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 8, 0, 0x45, 0, 0, 50, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1]);
  packet.set([10, 0, 0, 2, 0x12, 0x34, 0, 80, 0, 8, 0, 0], 30);
  return packet;
}

/** The C in `workloads/c`: name, and the packet where it is not the long one. */
const COMPUTE: readonly (readonly [name: string, packet?: () => Uint8Array])[] = [
  ["empty", udpPacket],
  ["alu64"],
  ["alu32"],
  ["checksum"],
  ["sort"],
  ["calls"],
  ["fnv1a"],
  ["murmur"],
  ["parse", udpPacket],
  ["divmod"],
  ["machine", textPacket],
  ["array"],
  ["hash"],
];

/** What has no raw-memory entry: an outside VM is given no maps. */
const WITH_MAPS = ["array", "hash"];

const compute: readonly Workload[] = COMPUTE.map(([name, packet = () => bytesPacket(LONG)]) => ({
  group: "compute",
  name,
  object: `xdp/${name}`,
  program: "entry",
  packet: packet(),
  native: name,
  ...(WITH_MAPS.includes(name) ? { keyStep: name === "hash" ? 13 : 1, operations: 1000 } : {}),
}));

const PROGRAMS = [
  { map: "programs", index: 0, program: "target" },
  { map: "programs", index: 1, program: "chain" },
] as const;

const tailCalls: readonly Workload[] = (
  [
    ["empty", "target", 1],
    ["one tail call", "once", 1],
    ["chain of 33", "chain", 33],
    ["16 calls that tail-call", "mixed", 16],
  ] as const
).map(([name, program, operations]) => ({
  group: "tail-calls",
  name,
  object: "programs/tail",
  program,
  packet: udpPacket(),
  slots: PROGRAMS,
  operations,
}));

const MAP_KINDS = ["array", "percpu_array", "hash", "percpu_hash", "lru_hash", "lru_percpu_hash"];

const maps: readonly Workload[] = MAP_KINDS.flatMap((kind) =>
  ["lookup", "update"].map((operation) => ({
    group: "maps" as const,
    name: `${operation} ${kind}`,
    object: "programs/maps",
    program: `${operation}_${kind}`,
    packet: udpPacket(),
    keyStep: 1,
    operations: 100,
  })),
);

const sites: readonly Workload[] = [1, 2, 4, 8, 16, 32, 64].flatMap((count) =>
  ["inlined", "called"].map((how) => ({
    group: "sites" as const,
    name: how,
    object: "programs/sites",
    program: `${how}_${count}`,
    packet: udpPacket(),
    x: count,
  })),
);

const INPUT_BYTES = [64, 128, 256, 512, 1024, 1500];

const input: readonly Workload[] = ["fnv1a", "murmur"].flatMap((name) =>
  INPUT_BYTES.map((bytes) => ({
    group: "input" as const,
    name,
    object: `xdp/${name}`,
    program: "entry",
    packet: bytesPacket(bytes),
    native: name,
    x: bytes,
  })),
);

/** Every program that is run and timed. */
export const WORKLOADS: readonly Workload[] = [...compute, ...tailCalls, ...maps, ...sites, ...input];

/** The same C over raw memory, which any VM can run: a word of runs, a word of nothing, the packet. */
export const RAW_WORKLOADS: readonly Workload[] = compute
  .filter(({ name }) => !WITH_MAPS.includes(name))
  .map((workload) => ({ ...workload, group: "raw", object: `raw/${workload.name}`, program: "raw_entry" }));

/** Counted 100 times a run: in one counter of all threads, in one for each CPU. */
const counters = (["all", "own"] as const).map(
  (whose): Workload => ({
    group: "workers",
    name: whose === "all" ? "one counter" : "a counter a CPU",
    object: "programs/counters",
    program: `count_${whose}`,
    packet: udpPacket(),
    operations: 100,
    counts: whose,
  }),
);

/** What is run by several threads at one time, on maps they share. */
export const SHARED_WORKLOADS: readonly Workload[] = [
  ...compute.filter(({ name }) => ["fnv1a", "hash"].includes(name)),
  ...maps.filter(({ name }) => name === "update hash"),
  ...counters,
].map((workload) => ({ ...workload, group: "workers" }));

/** Memory for a raw entry that runs so often. */
export function rawMemory(packet: Uint8Array, runs: number): Uint8Array {
  const memory = new Uint8Array(8 + packet.length);
  new DataView(memory.buffer).setUint32(0, runs, true);
  memory.set(packet, 8);
  return memory;
}

/** Operations in a run of a workload, by group and name. */
export const OPERATIONS: ReadonlyMap<string, number> = new Map(
  WORKLOADS.flatMap(({ group, name, operations }) =>
    operations === undefined ? [] : [[`${group} ${name}`, operations]],
  ),
);
