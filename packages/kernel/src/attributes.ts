import { addressOf } from "@bpfkit/native";

/** Bytes of `union bpf_attr` that any command here uses (uapi/linux/bpf.h, 6.18); the kernel takes shorter and longer ones. */
const ATTRIBUTE_BYTES = 152;

/** What an attribute's field is set to: a number, or data whose address goes there. Undefined leaves it 0. */
export type AttributeValue = number | bigint | ArrayBufferView | undefined;

/** Fields of a command's attributes: where each lies (bytes) and how wide it is. */
export type AttributeLayout = Readonly<Record<string, readonly [offset: number, bits: 32 | 64]>>;

/** The fields of `union bpf_attr` by command, as far as they are used here (uapi/linux/bpf.h). */
export const LAYOUTS = {
  mapCreate: {
    type: [0, 32],
    keySize: [4, 32],
    valueSize: [8, 32],
    maxEntries: [12, 32],
    flags: [16, 32],
    innerMap: [20, 32],
    btf: [48, 32],
    btfKeyType: [52, 32],
    btfValueType: [56, 32],
    extra: [64, 64],
  },
  element: { map: [0, 32], key: [8, 64], value: [16, 64], flags: [24, 64] },
  progLoad: {
    type: [0, 32],
    slots: [4, 32],
    insns: [8, 64],
    license: [16, 64],
    logLevel: [24, 32],
    logSize: [28, 32],
    log: [32, 64],
    flags: [44, 32],
    expectedAttachType: [68, 32],
    btf: [72, 32],
    functionBytes: [76, 32],
    functions: [80, 64],
    functionCount: [88, 32],
    lineBytes: [92, 32],
    lines: [96, 64],
    lineCount: [104, 32],
    attachBtfId: [108, 32],
  },
  testRun: {
    program: [0, 32],
    retval: [4, 32],
    dataSizeIn: [8, 32],
    dataSizeOut: [12, 32],
    dataIn: [16, 64],
    dataOut: [24, 64],
    repeat: [32, 32],
    duration: [36, 32],
    ctxSizeIn: [40, 32],
    ctxSizeOut: [44, 32],
    ctxIn: [48, 64],
    ctxOut: [56, 64],
  },
  info: { descriptor: [0, 32], size: [4, 32], info: [8, 64] },
  idToDescriptor: { id: [0, 32] },
  btfLoad: { btf: [0, 64], log: [8, 64], size: [16, 32], logSize: [20, 32], logLevel: [24, 32] },
} as const;

/** Where the name of a map or program lies in its creation's attributes; 16 bytes, NUL-terminated. */
export const NAME_OFFSETS = { mapCreate: 28, progLoad: 48 } as const;

/** Attributes of one command, and the data they point to: that must stay alive until the call is over. */
export interface Attributes {
  readonly bytes: DataView;
  readonly data: readonly ArrayBufferView[];
}

/** Builds the attributes of one command, or another structure of `size` bytes. */
export function attributes<Layout extends AttributeLayout>(
  layout: Layout,
  values: { readonly [Field in keyof Layout]?: AttributeValue },
  size: number = ATTRIBUTE_BYTES,
): Attributes {
  const data: ArrayBufferView[] = [];
  const view = new DataView(new ArrayBuffer(size));
  for (const [field, [offset, bits]] of Object.entries(layout)) {
    const value = values[field];
    if (value === undefined) continue;
    if (typeof value === "object") data.push(value);
    const number = typeof value === "object" ? addressOf(value) : value;
    if (bits === 64) view.setBigUint64(offset, BigInt.asUintN(64, BigInt(number)), true);
    else view.setUint32(offset, Number(number), true);
  }
  return { bytes: view, data };
}

/** Writes an object name as the kernel takes it: up to 15 of `[A-Za-z0-9_.]`, others become `_`. */
export function setName({ bytes }: Attributes, offset: number, name: string): void {
  const allowed = name.replace(/[^A-Za-z0-9_.]/g, "_").slice(0, 15);
  new TextEncoder().encodeInto(allowed, new Uint8Array(bytes.buffer, offset, 15));
}
