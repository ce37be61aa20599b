import { type GuestMemory, guestAddress, isBpfkitError, MemoryFault, type Region } from "@bpfkit/core";

/** As much of guest memory as contexts use: regions one after the other, and their shadows. */
export class FakeMemory {
  readonly u8: Uint8Array = new Uint8Array(1 << 20);
  readonly data: DataView = new DataView(this.u8.buffer);
  readonly readShadow: Uint8Array = new Uint8Array(1 << 17);
  readonly writeShadow: Uint8Array = new Uint8Array(1 << 17);
  readonly reserved: Region[] = [];
  #end = 0x1_0000;

  get memory(): GuestMemory {
    return this as unknown as GuestMemory;
  }

  get views(): Pick<FakeMemory, "u8" | "data" | "readShadow" | "writeShadow"> {
    return this;
  }

  reserve(name: string, size: number, permission: "none" | "read" | "read-write"): Region {
    const region = { name, start: guestAddress(this.#end), size };
    this.#end += Math.ceil(size / 8) * 8 + 64;
    this.reserved.push(region);
    this.permit(region.start, size, permission);
    return region;
  }

  release(region: Region): void {
    this.permit(region.start, region.size, "none");
    this.reserved.splice(this.reserved.indexOf(region), 1);
  }

  permit(start: number, size: number, permission: "none" | "read" | "read-write"): void {
    for (let granule = start >> 3; granule * 8 < start + size; granule++) {
      const valid = Math.min(8, start + size - granule * 8);
      this.readShadow[granule] = permission === "none" ? 0 : valid;
      this.writeShadow[granule] = permission === "read-write" ? valid : 0;
    }
  }

  describe(start: number, _name: string, size: number): { start: number; size: number } {
    return { start, size };
  }

  /** Whether a program may read or write all of `size` bytes. */
  may(access: "read" | "write", address: number, size: number): boolean {
    const shadow = access === "read" ? this.readShadow : this.writeShadow;
    return Array.from({ length: size }, (_, index) => address + index).every((at) => at % 8 < shadow[at >> 3]!);
  }
}

/** `ok`, or the code of what was thrown. */
export function answer(action: () => void): string {
  try {
    action();
    return "ok";
  } catch (error) {
    if (isBpfkitError(error) && !(error instanceof MemoryFault)) return error.code;
    throw error;
  }
}

export const counting = (length: number): Uint8Array => Uint8Array.from({ length }, (_, index) => index);

export function bytes(hex: string): Uint8Array {
  return Uint8Array.from(hex.replaceAll(" ", "").match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

/** Frames by name, of 64 bytes where they are not called short. */
export const FRAMES: Readonly<Record<string, Uint8Array>> = {
  zeros: new Uint8Array(64),
  ipv4: frame("000000000000 0708090a0b0c 0800 4500003200010000401100000a0000010a000002"),
  ipv6: frame(
    "333300000001 0708090a0b0c 86dd 6000000000003b40 20010db8000000000000000000000001 20010db8000000000000000000000002",
  ),
  broadcast: frame("ffffffffffff 010203040506 0806"),
  other: frame("020203040506 010203040506 88cc"),
  "802.2": frame(`020203040506 010203040506 0028 ${"aa".repeat(50)}`),
  "802.3": frame(`020203040506 010203040506 0028 ${"ff".repeat(50)}`),
  vlan: frame("020203040506 010203040506 8100 00050800"),
  "0x600": frame("020203040506 010203040506 0600"),
  "0x5ff": frame("020203040506 010203040506 05ff"),
  short14: bytes("020203040506 010203040506 0000"),
  short15: bytes("020203040506 010203040506 0000 ff"),
};

function frame(hex: string): Uint8Array {
  const whole = new Uint8Array(64);
  whole.set(bytes(hex));
  return whole;
}
