import { CaptureError, checkLinkType } from "./read.js";

/*
 * Classic pcap (draft-ietf-opsawg-pcap): a file header of 24 bytes, then records of a 16-byte header and the bytes captured.
 */

const FILE_HEADER = 24;
const RECORD_HEADER = 16;
/** The magic number, with microseconds or nanoseconds. */
const MAGICS: ReadonlySet<number> = new Set([0xa1b2c3d4, 0xa1b23c4d]);

/** The packets of a classic pcap. */
export function* pcapPackets(bytes: Uint8Array, view: DataView, file: string): Generator<Uint8Array> {
  const littleEndian = MAGICS.has(view.getUint32(0, true));
  if (!littleEndian && !MAGICS.has(view.getUint32(0))) {
    throw new CaptureError("BAD_CAPTURE", "is no pcap or pcapng file", { file });
  }
  if (bytes.length < FILE_HEADER) throw new CaptureError("BAD_CAPTURE", "ends within the file header", { file });
  // The upper bits say whether frames end with a check sequence.
  checkLinkType(view.getUint32(20, littleEndian) & 0xffff, 20, file);
  for (let at = FILE_HEADER, count = 1; at < bytes.length; count++) {
    const start = at + RECORD_HEADER;
    const length = start <= bytes.length ? view.getUint32(at + 8, littleEndian) : 0;
    if (start + length > bytes.length) {
      const what = `packet ${count} needs ${RECORD_HEADER + length} bytes, ${bytes.length - at} are left`;
      throw new CaptureError("BAD_CAPTURE", what, { file, offset: at });
    }
    yield bytes.subarray(start, start + length);
    at = start + length;
  }
}
