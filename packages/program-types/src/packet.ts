import {
  type Described,
  type GuestAddress,
  type GuestMemory,
  guestAddress,
  type PacketState,
  type Region,
} from "@bpfkit/core";

/** Where a packet lies within its buffer, in bytes from the buffer's start. */
export interface PacketLayout {
  /** Where the frame begins. */
  readonly headroom: number;
  /** The first byte the packet may be extended down to. */
  readonly head: number;
  /** Bytes of the buffer at least. */
  readonly size: number;
  /** Bytes at its end that are not the packet's. */
  readonly tail: number;
}

/** A buffer in guest memory that holds one packet after another. */
export class PacketBuffer {
  readonly #memory: GuestMemory;
  readonly #layout: PacketLayout;
  #region: Region | undefined;
  #described: Described | undefined;

  constructor(memory: GuestMemory, layout: PacketLayout) {
    this.#memory = memory;
    this.#layout = layout;
  }

  /**
   * Puts a packet in, of which the program sees what is behind `hidden` bytes; nothing of the one before is left.
   * `onMove` puts the ends into the context.
   */
  fill(data: Uint8Array, hidden: number, onMove: (packet: PacketState) => void): PacketState {
    const { headroom, head } = this.#layout;
    const region = this.#regionFor(data.length);
    const { u8 } = this.#memory.views;
    u8.fill(0, region.start, region.start + region.size);
    u8.set(data, region.start + headroom);
    const start = region.start + headroom + hidden;
    const limit = Math.max(region.start + region.size - this.#layout.tail, region.start + headroom + data.length);
    const bounds = { head: guestAddress(region.start + head), limit: guestAddress(limit) };
    const packet = new Packet(this.#memory, region, this.#described!, bounds, onMove);
    packet.move(start, start, region.start + headroom + data.length);
    return packet;
  }

  #regionFor(length: number): Region {
    const needed = Math.max(this.#layout.size, this.#layout.headroom + length);
    if (this.#region !== undefined && this.#region.size < needed) {
      this.#memory.release(this.#region);
      this.#region = undefined;
    }
    if (this.#region === undefined) {
      this.#region = this.#memory.reserve("the packet's buffer", needed, "none");
      this.#described = this.#memory.describe(this.#region.start, "the packet", needed);
    }
    return this.#region;
  }
}

class Packet implements PacketState {
  readonly head: GuestAddress;
  readonly limit: GuestAddress;
  dataMeta = 0;
  data = 0;
  dataEnd = 0;
  readonly #memory: GuestMemory;
  readonly #region: Region;
  readonly #described: Described;
  readonly #onMove: (packet: PacketState) => void;

  constructor(
    memory: GuestMemory,
    region: Region,
    described: Described,
    { head, limit }: Pick<PacketState, "head" | "limit">,
    onMove: (packet: PacketState) => void,
  ) {
    this.head = head;
    this.limit = limit;
    this.#memory = memory;
    this.#region = region;
    this.#described = described;
    this.#onMove = onMove;
  }

  move(dataMeta: number, data: number, dataEnd: number): void {
    this.dataMeta = dataMeta;
    this.data = data;
    this.dataEnd = dataEnd;
    this.#memory.permit(this.#region.start, this.#region.size, "none");
    this.#memory.permit(dataMeta, dataEnd - dataMeta, "read-write");
    this.#described.start = data;
    this.#described.size = dataEnd - data;
    this.#onMove(this);
  }
}
