import { attributes, LAYOUTS } from "./attributes.js";
import { COMMANDS, command } from "./command.js";

/** What the kernel made of a loaded program. */
export interface KernelCode {
  /** Slots as the verifier rewrote them, 8 bytes each; map references are ids. */
  readonly translated: Uint8Array;
  /** Machine code of all subprograms, one after the other; empty where the JIT is off. */
  readonly jited: Uint8Array;
  /** Bytes of each subprogram's machine code, in order. */
  readonly jitedLengths: readonly number[];
  /** Instructions the verifier walked. */
  readonly verifiedInsns: number;
}

/** `struct bpf_prog_info` (uapi/linux/bpf.h): bytes, and where the fields used here lie. */
const INFO_BYTES = 232;
const INFO = {
  jitedBytes: 16,
  translatedBytes: 20,
  jited: 24,
  translated: 32,
  lengthCount: 108,
  lengths: 120,
  verifiedInsns: 216,
} as const;

/** Reads a loaded program's code back. Reading machine code needs CAP_SYS_ADMIN or CAP_PERFMON; it is empty otherwise. */
export function programCode(descriptor: number, what: string): KernelCode {
  const sizes = info(descriptor, what, {});
  const jited = new Uint8Array(sizes.getUint32(INFO.jitedBytes, true));
  const translated = new Uint8Array(sizes.getUint32(INFO.translatedBytes, true));
  const lengths = new Uint32Array(sizes.getUint32(INFO.lengthCount, true));
  const filled = info(descriptor, what, { jited, translated, lengths });
  return {
    translated,
    jited,
    jitedLengths: Array.from(lengths),
    verifiedInsns: filled.getUint32(INFO.verifiedInsns, true),
  };
}

interface Buffers {
  readonly jited?: Uint8Array;
  readonly translated?: Uint8Array;
  readonly lengths?: Uint32Array;
}

const BUFFERS = {
  jitedBytes: [INFO.jitedBytes, 32],
  jited: [INFO.jited, 64],
  translatedBytes: [INFO.translatedBytes, 32],
  translated: [INFO.translated, 64],
  lengthCount: [INFO.lengthCount, 32],
  lengths: [INFO.lengths, 64],
} as const;

function info(descriptor: number, what: string, buffers: Buffers): DataView {
  const request = attributes(
    BUFFERS,
    {
      jitedBytes: buffers.jited?.length,
      jited: buffers.jited,
      translatedBytes: buffers.translated?.length,
      translated: buffers.translated,
      lengthCount: buffers.lengths?.length,
      lengths: buffers.lengths,
    },
    INFO_BYTES,
  );
  const fields = attributes(LAYOUTS.info, { descriptor, size: INFO_BYTES, info: request.bytes });
  command(COMMANDS.info, { bytes: fields.bytes, data: [...fields.data, ...request.data] }, `reading ${what} back`);
  return request.bytes;
}
