/**
 * Helpers that take a function, and which of its own arguments each argument of the callback is: the number of the helper's
 * argument, or 0 for something of the kernel's (`set_*_callback_state`, kernel/bpf/verifier.c).
 */
const CALLBACKS: Readonly<Record<string, { readonly arguments: readonly number[]; readonly async?: true }>> = {
  for_each_map_elem: { arguments: [0, 0, 0, 3] },
  loop: { arguments: [0, 3] },
  find_vma: { arguments: [0, 0, 3] },
  user_ringbuf_drain: { arguments: [0, 3] },
  timer_set_callback: { arguments: [0, 0, 0], async: true },
};

/** How a helper calls its callback; undefined where it takes none. An async callback runs on a stack of its own. */
export function callbackOf(
  helper: string,
): { readonly arguments: readonly number[]; readonly async?: true } | undefined {
  return CALLBACKS[helper];
}
