import { ERRNO } from "@bpfkit/abi";
import type { HelperCall } from "@bpfkit/core";
import { type ArgumentRegister, hasUnknownFlags, readable, u32 } from "./arguments.js";
import { fold, partial, replace, replaceByDifference, subtract } from "./checksum.js";
import { skbPacket } from "./packet.js";

/** Flags of `l3_csum_replace` and `l4_csum_replace` (uapi/linux/bpf.h). */
const BPF_F_HDR_FIELD_MASK = 0xf;
const BPF_F_PSEUDO_HDR = 1 << 4;
const BPF_F_MARK_MANGLED_0 = 1 << 5;
const BPF_F_MARK_ENFORCE = 1 << 6;
const BPF_F_IPV6 = 1 << 7;
const L4_FLAGS = BPF_F_PSEUDO_HDR | BPF_F_MARK_MANGLED_0 | BPF_F_MARK_ENFORCE | BPF_F_IPV6 | BPF_F_HDR_FIELD_MASK;

/**
 * `bpf_csum_diff(from, from_size, to, to_size, seed)`: the sum in 16 bits, as from Linux 6.13 on. Before, it was in 32, and
 * sizes had to be multiples of 4.
 */
export function csumDiff(call: HelperCall): number {
  const [fromSize, toSize, seed] = [u32(call, 2), u32(call, 4), u32(call, 5)];
  const from = bytes(call, 1, fromSize);
  const to = bytes(call, 3, toSize);
  if (fromSize > 0 && toSize > 0) return fold(subtract(partial(to, seed), partial(from, 0)));
  if (toSize > 0) return fold(partial(to, seed));
  if (fromSize > 0) return fold(~partial(from, ~seed >>> 0) >>> 0);
  return fold(seed);
}

function bytes(call: HelperCall, register: ArgumentRegister, size: number): Uint8Array {
  if (size === 0) return new Uint8Array(0);
  const at = readable(call, register, size);
  return call.memory.views.u8.subarray(at, at + size);
}

/** `bpf_csum_update(skb, csum)`: packets here have no checksum of a device that could be updated. */
export function csumUpdate(call: HelperCall): number {
  skbPacket(call);
  return -ERRNO.ENOTSUPP;
}

/** `bpf_l3_csum_replace(skb, offset, from, to, flags)`: 0 or a negative errno. */
export function l3CsumReplace(call: HelperCall): number {
  if (hasUnknownFlags(call, 5, BPF_F_HDR_FIELD_MASK)) return -ERRNO.EINVAL;
  const at = checksumAddress(call);
  if (at < 0) return at;
  const { data } = call.memory.views;
  const after = replaced(call, data.getUint16(at, true));
  if (after < 0) return after;
  data.setUint16(at, after, true);
  return 0;
}

/** `bpf_l4_csum_replace(skb, offset, from, to, flags)`: 0 or a negative errno. */
export function l4CsumReplace(call: HelperCall): number {
  if (hasUnknownFlags(call, 5, L4_FLAGS)) return -ERRNO.EINVAL;
  const at = checksumAddress(call);
  if (at < 0) return at;
  const { data } = call.memory.views;
  const flags = u32(call, 5);
  // UDP: a checksum of 0 means that there is none.
  const zeroIsNone = (flags & BPF_F_MARK_MANGLED_0) !== 0;
  const before = data.getUint16(at, true);
  if (zeroIsNone && before === 0 && (flags & BPF_F_MARK_ENFORCE) === 0) return 0;
  const after = replaced(call, before);
  if (after < 0) return after;
  data.setUint16(at, zeroIsNone && after === 0 ? 0xffff : after, true);
  return 0;
}

/** Where the checksum is that r2 is the offset of, or a negative errno. */
function checksumAddress(call: HelperCall): number {
  const { data, dataEnd } = skbPacket(call);
  const offset = u32(call, 2);
  return offset > 0xffff || offset % 2 !== 0 || data + offset + 2 > dataEnd ? -ERRNO.EFAULT : data + offset;
}

/** The checksum after what r3 to r5 say, or a negative errno. */
function replaced(call: HelperCall, checksum: number): number {
  const [from, to] = [u32(call, 3), u32(call, 4)];
  switch (u32(call, 5) & BPF_F_HDR_FIELD_MASK) {
    case 0:
      return from === 0 && call.args[5] === 0 ? replaceByDifference(checksum, to) : -ERRNO.EINVAL;
    case 2:
      return replace(checksum, from & 0xffff, to & 0xffff);
    case 4:
      return replace(checksum, from, to);
    default:
      return -ERRNO.EINVAL;
  }
}
