import { BpfkitError } from "@bpfkit/core";
import { pcapPackets } from "./pcap.js";
import { pcapngPackets } from "./pcapng.js";

/** A capture file that cannot be read; `place.offset` is where. */
export class CaptureError extends BpfkitError<"BAD_CAPTURE"> {}

/** The link type of Ethernet (LINKTYPE_ETHERNET). */
export const ETHERNET = 1;

/** The first word of a pcapng file, the same in both byte orders. */
const SECTION_HEADER = 0x0a0d0d0a;

/** The packets of a capture that was read through once; walking it again makes them anew, as views of its bytes. */
export interface Capture extends Iterable<Uint8Array> {
  readonly count: number;
}

/**
 * Reads a capture: classic pcap in both byte orders, with micro- or nanoseconds, and pcapng. Its packets are not kept: a
 * file of empty ones would take far more memory than it has bytes.
 * @throws {CaptureError} where it is damaged, cut off, or not of Ethernet.
 */
export function readCapture(bytes: Uint8Array, file: string): Capture {
  if (bytes.length < 4) throw new CaptureError("BAD_CAPTURE", "is no pcap or pcapng file", { file });
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const read = view.getUint32(0) === SECTION_HEADER ? pcapngPackets : pcapPackets;
  let count = 0;
  for (const _ of read(bytes, view, file)) count++;
  return { count, [Symbol.iterator]: () => read(bytes, view, file) };
}

/** Refuses captures whose packets do not begin with an Ethernet header. */
export function checkLinkType(linkType: number, offset: number, file: string): void {
  if (linkType === ETHERNET) return;
  const what = `its packets are of link type ${linkType}${NAMES[linkType] ?? ""}; only Ethernet (1) is run`;
  throw new CaptureError("BAD_CAPTURE", what, { file, offset });
}

/** The link types people meet most. */
const NAMES: Readonly<Record<number, string>> = {
  0: " (loopback)",
  101: " (raw IP)",
  105: " (802.11)",
  113: " (Linux cooked)",
  127: " (802.11 with radiotap)",
  276: " (Linux cooked v2)",
};
