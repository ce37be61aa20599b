import { CaptureError, checkLinkType } from "./read.js";

/*
 * pcapng (draft-ietf-opsawg-pcapng): blocks of type, length, body, length again. A section header sets the byte order and
 * begins the list of interfaces anew.
 */

const SECTION_HEADER = 0x0a0d0d0a;
const BYTE_ORDER_MAGIC = 0x1a2b3c4d;
const INTERFACE = 1;
const OLD_PACKET = 2;
const SIMPLE_PACKET = 3;
const ENHANCED_PACKET = 6;
/** Type, length and the second length. */
const LEAST_BLOCK = 12;

/** What is known while blocks are read. */
interface Section {
  littleEndian: boolean;
  /** Bytes each interface captured of a packet at most; 0 for all. */
  snapLengths: number[];
}

/** A block's body, and where it is in the file. */
interface Block {
  readonly type: number;
  readonly body: DataView;
  readonly offset: number;
}

/** The packets of a pcapng file, of all its sections and interfaces. */
export function* pcapngPackets(bytes: Uint8Array, view: DataView, file: string): Generator<Uint8Array> {
  const section: Section = { littleEndian: true, snapLengths: [] };
  for (let at = 0; at < bytes.length; ) {
    const { block, length } = blockAt(view, at, section, file);
    if (block.type === INTERFACE) takeInterface(block, section, file);
    const packet = packetOf(block, section, file);
    if (packet !== undefined) yield packet;
    at += length;
  }
}

function blockAt(view: DataView, at: number, section: Section, file: string): { block: Block; length: number } {
  const fail = (what: string): CaptureError => new CaptureError("BAD_CAPTURE", what, { file, offset: at });
  const left = view.byteLength - at;
  if (left < LEAST_BLOCK) throw fail(`a block of ${LEAST_BLOCK} bytes or more was expected, ${left} are left`);
  if (view.getUint32(at) === SECTION_HEADER) {
    section.littleEndian = view.getUint32(at + 8, true) === BYTE_ORDER_MAGIC;
    section.snapLengths = [];
    if (!section.littleEndian && view.getUint32(at + 8) !== BYTE_ORDER_MAGIC)
      throw fail("a section header without its byte-order mark");
  }
  const type = view.getUint32(at, section.littleEndian);
  const length = view.getUint32(at + 4, section.littleEndian);
  if (length < LEAST_BLOCK || length % 4 !== 0) throw fail(`a block of ${length} bytes cannot be`);
  if (length > left) throw fail(`a block of ${length} bytes, ${left} are left`);
  const body = new DataView(view.buffer, view.byteOffset + at + 8, length - LEAST_BLOCK);
  return { block: { type, body, offset: at }, length };
}

function takeInterface({ body, offset }: Block, section: Section, file: string): void {
  if (body.byteLength < 8)
    throw new CaptureError("BAD_CAPTURE", "an interface block that is cut short", { file, offset });
  checkLinkType(body.getUint16(0, section.littleEndian), offset, file);
  section.snapLengths.push(body.getUint32(4, section.littleEndian));
}

/** The packet in a block; undefined where it holds none. */
function packetOf({ type, body, offset }: Block, section: Section, file: string): Uint8Array | undefined {
  const u32 = (at: number): number => (at + 4 <= body.byteLength ? body.getUint32(at, section.littleEndian) : 0);
  let start: number;
  let length: number;
  if (type === ENHANCED_PACKET || type === OLD_PACKET) {
    start = 20;
    length = u32(12);
  } else if (type === SIMPLE_PACKET) {
    start = 4;
    length = Math.min(u32(0), section.snapLengths[0] || u32(0));
  } else return undefined;
  if (start + length > body.byteLength) {
    throw new CaptureError("BAD_CAPTURE", `a packet of ${length} bytes does not fit its block`, { file, offset });
  }
  return new Uint8Array(body.buffer, body.byteOffset + start, length);
}
