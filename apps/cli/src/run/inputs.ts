import { isBpfkitError } from "@bpfkit/core";
import { type Arguments, shown, usage } from "../arguments.js";
import type { Option } from "../command.js";
import { CliError } from "../errors.js";
import { nameOf, readBytes } from "../files.js";
import { fromHex } from "../hex.js";

/** Options that say what a program is run on. */
export const DATA_OPTIONS: Readonly<Record<string, Option>> = {
  data: { kind: "text", value: "FILE", description: "the packet or memory: a file's bytes" },
  "data-hex": { kind: "text", value: "HEX", description: "the packet or memory as hex" },
  pcap: { kind: "text", value: "FILE", description: "a run for each packet of a pcap or pcapng file" },
  packet: {
    kind: "text",
    value: "TEXT",
    description: 'a packet in words: eth/ipv4(dst=10.0.0.2)/udp(dport=53)/payload("hi")',
  },
  ctx: { kind: "list", value: "KEY=VALUE…", description: "fields of the context: mark=0x10 ifindex=3" },
};

const SOURCES = ["data", "data-hex", "pcap", "packet"] as const;

/** What to run on: packets or pieces of memory, in order; undefined stands for what the program type has by default. */
export interface RunData extends Iterable<Uint8Array | undefined> {
  readonly count: number;
}

/** Reads `DATA_OPTIONS` but `--ctx`. @throws {CliError}, `CaptureError`. */
export async function readData(given: Arguments): Promise<RunData> {
  const chosen = SOURCES.filter((name) => given.text(name) !== undefined);
  if (chosen.length > 1) throw usage(`${chosen.map((name) => `--${name}`).join(" and ")} exclude each other; give one`);
  const [source] = chosen;
  return source === undefined ? only(undefined) : READERS[source](given.text(source)!);
}

const only = (data: Uint8Array | undefined): RunData => ({ count: 1, [Symbol.iterator]: () => [data].values() });

const READERS: Readonly<Record<(typeof SOURCES)[number], (value: string) => Promise<RunData>>> = {
  data: async (file) => only(readBytes(file)),
  "data-hex": async (text) => {
    const bytes = fromHex(text);
    if (typeof bytes === "string") throw usage(`--data-hex ${shown(text)} is not hex: ${bytes}`);
    return only(bytes);
  },
  pcap: async (file) => {
    const { readCapture } = await import("../capture/read.js");
    const packets = readCapture(readBytes(file), nameOf(file));
    if (packets.count === 0) throw new CliError("UNREADABLE", "holds no packet", { file: nameOf(file) });
    return packets;
  },
  packet: async (text) => {
    const { buildPacket } = await import("../packet/build.js");
    try {
      return only(buildPacket(text));
    } catch (cause) {
      throw isBpfkitError(cause) ? usage(`--packet: ${cause.message}`) : cause;
    }
  },
};

/** Reads `--ctx`. @throws {CliError} `USAGE`. */
export function readContext(given: Arguments): Record<string, bigint> {
  const fields: Record<string, bigint> = {};
  for (const text of given.list("ctx").flatMap((one) => one.split(","))) {
    const [, name, value] = /^([A-Za-z_]\w*)=(0x[0-9a-fA-F]{1,16}|\d{1,20})$/.exec(text) ?? [];
    if (name === undefined || value === undefined || BigInt(value) >= 2n ** 64n) {
      throw usage(`--ctx ${shown(text)} must be FIELD=NUMBER, a number from 0 to 2^64 - 1 in decimal or 0x`);
    }
    if (Object.hasOwn(fields, name)) throw usage(`--ctx gives ${name} twice`);
    fields[name] = BigInt(value);
  }
  return fields;
}
