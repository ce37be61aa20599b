import {
  type Described,
  type GuestAddress,
  type GuestMemory,
  guestAddress,
  type PacketState,
  type Region,
} from "@bpfkit/core";

/** Where a packet lies within its buffer; bytes. */
export interface PacketLayout {
  /** From the buffer's start to the packet. */
  readonly headroom: number;
  /** From the buffer's start to where the packet may be extended down to. */
  readonly head: number;
  /** From the packet's start to where it may be extended up to, at least. */
  readonly room: number;
  /** What of a packet programs may see; the rest are frags. */
  readonly linear: number;
}

/** What of a frame is where; bytes. */
export interface PacketView {
  /** In front, out of the program's sight. */
  readonly hidden?: number;
  /** In front, metadata and not packet. */
  readonly meta?: number;
  /** What programs may see of the packet, if less than they could. */
  readonly linear?: number;
}

/** Behind the frags, for the last of them to grow: a page. */
const FRAG_ROOM = 4096;

/** A buffer in guest memory that holds one packet after another. */
export class PacketBuffer {
  readonly #memory: GuestMemory;
  readonly #layout: PacketLayout;
  #region: Region | undefined;
  #described: Described | undefined;
  #packet: Packet | undefined;

  constructor(memory: GuestMemory, layout: PacketLayout) {
    this.#memory = memory;
    this.#layout = layout;
  }

  /**
   * Puts a frame in. Nothing is left of the one before, but where helpers make room they must clear it. `onMove` puts the
   * ends into the context.
   */
  fill(data: Uint8Array, view: PacketView, onMove: (packet: PacketState) => void): PacketState {
    const { headroom, head, room } = this.#layout;
    const { hidden = 0, meta = 0, linear = this.#layout.linear } = view;
    const { start: buffer } = this.#regionFor(data.length);
    const start = buffer + headroom - meta;
    const end = start + Math.min(data.length, meta + linear);
    this.#packet?.hide();
    this.#memory.views.u8.set(data, start);
    const limit = Math.max(buffer + headroom + room, end);
    const bounds = { head: guestAddress(buffer + head), limit: guestAddress(limit) };
    this.#packet = new Packet(this.#memory, this.#described!, bounds, onMove);
    if (start + data.length > end) this.#packet.fragBytes = start + data.length - end;
    this.#packet.move(start + hidden, start + hidden + meta, end);
    return this.#packet;
  }

  /** Zeros what a packet may be extended into, where Linux would hand out a fresh page. */
  clear(): void {
    if (this.#region !== undefined)
      this.#memory.views.u8.fill(0, this.#region.start, this.#region.start + this.#region.size);
  }

  #regionFor(length: number): Region {
    const { headroom, room } = this.#layout;
    const needed = headroom + Math.max(room, length + FRAG_ROOM);
    if (this.#region !== undefined && this.#region.size < needed) {
      this.#memory.release(this.#region);
      this.#region = undefined;
      this.#packet = undefined;
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
  mac?: number;
  network?: number;
  fragBytes?: number;
  readonly #memory: GuestMemory;
  readonly #described: Described;
  readonly #onMove: (packet: PacketState) => void;

  constructor(
    memory: GuestMemory,
    described: Described,
    { head, limit }: Pick<PacketState, "head" | "limit">,
    onMove: (packet: PacketState) => void,
  ) {
    this.head = head;
    this.limit = limit;
    this.#memory = memory;
    this.#described = described;
    this.#onMove = onMove;
  }

  move(dataMeta: number, data: number, dataEnd: number): void {
    this.hide();
    this.dataMeta = dataMeta;
    this.data = data;
    this.dataEnd = dataEnd;
    this.#memory.permit(dataMeta, dataEnd - dataMeta, "read-write");
    this.#described.start = data;
    this.#described.size = dataEnd - data;
    this.#onMove(this);
  }

  /** Takes the permission to reach it away. */
  hide(): void {
    const first = this.dataMeta - (this.dataMeta % 8);
    this.#memory.permit(first, this.dataEnd - first, "none");
  }
}
