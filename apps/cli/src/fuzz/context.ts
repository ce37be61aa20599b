/** Bytes of `struct __sk_buff`, and where a test run gives back what a program may write (uapi/linux/bpf.h); 32 bits each. */
const SK_BUFF_BYTES = 192;
const FIELDS = { mark: 8, priority: 32, cb0: 48, cb1: 52, cb2: 56, cb3: 60, cb4: 64 } as const;

/** The context a test run of a type is given and gives back; undefined where it has nothing to write. */
export function contextBytes(type: string, fields: Readonly<Record<string, bigint>> = {}): Uint8Array | undefined {
  if (type === "xdp") return undefined;
  const bytes = new Uint8Array(SK_BUFF_BYTES);
  const view = new DataView(bytes.buffer);
  for (const [name, at] of Object.entries(FIELDS)) view.setUint32(at, Number(fields[name] ?? 0n), true);
  return bytes;
}

/** The fields of a context that came back. */
export function contextFields(ctx: Uint8Array): Record<string, bigint> {
  const view = new DataView(ctx.buffer, ctx.byteOffset, ctx.byteLength);
  return Object.fromEntries(Object.entries(FIELDS).map(([name, at]) => [name, BigInt(view.getUint32(at, true))]));
}

/** Of the fields the VM says have changed, those that a test run tells. */
export function toldFields(ctx: Readonly<Record<string, bigint>>): Record<string, bigint> {
  return Object.fromEntries(Object.entries(ctx).filter(([name]) => name in FIELDS));
}
