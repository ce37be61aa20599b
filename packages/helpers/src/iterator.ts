import { ERRNO } from "@bpfkit/abi";
import type { HelperCall } from "@bpfkit/core";
import { s32, writable } from "./arguments.js";
import { MAX_LOOPS } from "./loop.js";

/*
 * The open-coded iterator over numbers (kernel/bpf/bpf_iter.c). Its 8 bytes are the program's own, laid out as the kernel's
 * `struct bpf_iter_num_kern`: the number before the next one, and the end; both 0 where there is no next one.
 */

const BYTES = 8;

function set(call: HelperCall, before: number, end: number): void {
  const at = writable(call, 1, BYTES);
  call.memory.views.data.setInt32(at, before, true);
  call.memory.views.data.setInt32(at + 4, end, true);
}

/** `bpf_iter_num_new(it, start, end)`: 0, or a negative errno and an iterator that gives nothing. */
export function iterNumNew(call: HelperCall): number {
  const [start, end] = [s32(call, 2), s32(call, 3)];
  const errno = start > end ? ERRNO.EINVAL : end - start > MAX_LOOPS ? ERRNO.E2BIG : 0;
  if (errno === 0) set(call, start - 1, end);
  else set(call, 0, 0);
  return -errno;
}

/** `bpf_iter_num_next(it)`: where the next number is, or 0. */
export function iterNumNext(call: HelperCall): number {
  const at = writable(call, 1, BYTES);
  const { data } = call.memory.views;
  const next = (data.getInt32(at, true) + 1) | 0;
  if (next >= data.getInt32(at + 4, true)) {
    set(call, 0, 0);
    return 0;
  }
  data.setInt32(at, next, true);
  return at;
}

/** `bpf_iter_num_destroy(it)`. */
export function iterNumDestroy(call: HelperCall): number {
  set(call, 0, 0);
  return 0;
}
