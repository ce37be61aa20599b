import { helperByName } from "@bpfkit/abi";
import {
  type Effects,
  type GuestMemory,
  guestAddress,
  type HelperCall,
  type MapStorage,
  MemoryFault,
  type PacketState,
  type RunContext,
} from "@bpfkit/core";
import { fixedEffects, helperTable } from "@bpfkit/helpers";

const HELPERS = helperTable();

/** As much of guest memory as helpers use: bytes, and the ranges programs may read or write. */
export class Guest {
  readonly u8: Uint8Array = new Uint8Array(1 << 17);
  readonly data: DataView = new DataView(this.u8.buffer);
  readonly memory: GuestMemory;
  #ranges: { start: number; size: number; write: boolean }[] = [];
  #next = 0x1_0000;

  constructor() {
    const check = (access: "read" | "write") => (address: number, size: number) => {
      const ok = this.#ranges.some(
        (range) =>
          address >= range.start && address + size <= range.start + range.size && (access === "read" || range.write),
      );
      if (!ok && size > 0) throw new MemoryFault(access, BigInt(address), size, `${access} of ${size} at ${address}`);
    };
    const { u8, data } = this;
    this.memory = {
      views: { u8, data },
      checkRead: check("read"),
      checkWrite: check("write"),
    } as unknown as GuestMemory;
  }

  /** Bytes a program may read, and write unless told otherwise. Gives their address. */
  put(bytes: Uint8Array | string, write = true): number {
    const value = typeof bytes === "string" ? new TextEncoder().encode(bytes) : bytes;
    const start = this.#next;
    this.#next += Math.ceil(value.length / 8) * 8 + 64;
    this.u8.set(value, start);
    this.permit(start, value.length, write);
    return start;
  }

  permit(start: number, size: number, write: boolean): void {
    this.#ranges.push({ start, size, write });
  }

  read(address: number, size: number): Uint8Array {
    return this.u8.slice(address, address + size);
  }
}

/** Where contexts lie. */
const CONTEXT = 0x100;

/** A packet of one type in a guest, and what became of it. */
export class PacketFixture {
  readonly guest: Guest;
  readonly context: RunContext;
  readonly packet: PacketState;

  constructor(type: string, frame: Uint8Array, room: Partial<PacketState> = {}, hidden = 0) {
    this.guest = new Guest();
    const start = 0x4000 - hidden;
    this.guest.u8.set(frame, start);
    const packet: PacketState = {
      head: guestAddress(0x4000 - 216),
      limit: guestAddress(0x4000 + 3520),
      dataMeta: 0x4000,
      data: 0x4000,
      dataEnd: start + frame.length,
      ...(type === "xdp" ? {} : { mac: start, network: start + 14 }),
      ...room,
      move: (dataMeta, data, dataEnd) => Object.assign(packet, { dataMeta, data, dataEnd }),
    };
    this.packet = packet;
    this.context = { type, r1: BigInt(CONTEXT), r2: 0n, packet };
  }

  call(name: string, ...args: (number | bigint)[]): number {
    return Number(callHelper(this.guest, name, [CONTEXT, ...args], { context: this.context }));
  }

  /** Metadata, packet and frags. */
  bytes(): Uint8Array {
    const { dataMeta, dataEnd, fragBytes = 0 } = this.packet;
    return this.guest.read(dataMeta, dataEnd + fragBytes - dataMeta);
  }

  /** A 32-bit field of the context. */
  field(offset: number): number {
    return this.guest.data.getUint32(CONTEXT + offset, true);
  }
}

export interface CallOptions {
  readonly context?: RunContext;
  readonly effects?: Effects;
  readonly maps?: readonly MapStorage[];
}

/** A call with r1 to r5, as an engine makes it. */
export function makeCall(guest: Guest, args: readonly (number | bigint)[], options: CallOptions = {}): HelperCall {
  const { context = { type: "raw", r1: 0n, r2: 0n }, effects = fixedEffects(), maps = [] } = options;
  const registers = new BigInt64Array(5);
  for (const [index, value] of args.entries()) registers[index] = BigInt.asIntN(64, BigInt(value));
  return {
    args: new Int32Array(registers.buffer),
    memory: guest.memory,
    effects,
    context,
    maps,
    map: (header) => {
      const found = maps.find((map) => map.header === header);
      if (found === undefined) throw new Error(`no map at ${header}`);
      return found;
    },
  };
}

/** What a helper without callbacks returns, signed. */
export function callHelper(
  guest: Guest,
  name: string,
  args: readonly (number | bigint)[],
  options: CallOptions = {},
): bigint {
  const helper = HELPERS.get(helperByName(name)!.id);
  if (helper?.kind !== "body") throw new Error(`${name} has no body`);
  return BigInt.asIntN(64, BigInt(helper.body(makeCall(guest, args, options))));
}

/** Calls back as an engine does, with a function in place of a program's; gives r0. */
export function callWithCallback(
  guest: Guest,
  name: string,
  args: readonly (number | bigint)[],
  callback: (registers: bigint[]) => bigint,
  options: CallOptions = {},
): bigint {
  const helper = HELPERS.get(helperByName(name)!.id);
  if (helper?.kind !== "callback") throw new Error(`${name} does not call back`);
  const iteration = helper.body(makeCall(guest, args, options));
  if (typeof iteration === "number") return BigInt(iteration);
  const registers = new BigInt64Array(5);
  let r0 = 0n;
  while (iteration.next(new Int32Array(registers.buffer), Number(r0 & 0xffff_ffffn), Number(r0 >> 32n))) {
    r0 = callback([...registers]);
  }
  return BigInt(iteration.result());
}

/** 0, 1, 2, … */
export const counting = (length: number): Uint8Array => Uint8Array.from({ length }, (_, index) => index);

export function bytes(hex: string): Uint8Array {
  return Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

export const toHex = (value: Uint8Array): string =>
  Array.from(value, (byte) => byte.toString(16).padStart(2, "0")).join("");
