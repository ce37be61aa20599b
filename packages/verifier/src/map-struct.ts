import { MAP_HEADER_BYTES } from "@bpfkit/core";
import { VerifierError } from "./error.js";
import type { MemoryAccess } from "./memory.js";
import { type Register, UNKNOWN_SCALAR } from "./register.js";
import { reg, reject, type Verification } from "./verification.js";

/** A member of `struct bpf_map` as Linux 6.18 lays it out. A pointer is only read whole. */
interface Member {
  readonly name: string;
  readonly at: number;
  readonly size: number;
  readonly isPointer?: true;
}

/** What lies within the header that maps have here; 4 bytes behind `excl` are a hole. */
const MEMBERS: readonly Member[] = [
  { name: "sha", at: 0, size: 32 },
  { name: "excl", at: 32, size: 4 },
  { name: "ops", at: 40, size: 8, isPointer: true },
  { name: "inner_map_meta", at: 48, size: 8, isPointer: true },
  { name: "security", at: 56, size: 8, isPointer: true },
  { name: "map_type", at: 64, size: 4 },
  { name: "key_size", at: 68, size: 4 },
  { name: "value_size", at: 72, size: 4 },
  { name: "max_entries", at: 76, size: 4 },
  { name: "map_extra", at: 80, size: 8 },
  { name: "map_flags", at: 88, size: 4 },
  { name: "id", at: 92, size: 4 },
];

/** What a map type's own structure is called; the others are not told apart. */
const STRUCTS: Readonly<Record<string, string>> = { array: "bpf_array", hash: "bpf_htab" };

function unsupported(v: Verification, what: string): never {
  throw new VerifierError("UNSUPPORTED", `${what} of struct bpf_map is not followed`, {
    program: v.program.name,
    slot: v.slot,
  });
}

/** A read through a map pointer is one of the kernel's own structure (Linux `btf_struct_walk`): a number, within one member. */
export function accessMapStruct(v: Verification, a: MemoryAccess, off: number): Register {
  const name = STRUCTS[reg(v, a.number).map?.spec.type ?? ""] ?? "bpf_map";
  if (off < 0) reject(v, "EACCES", `R${a.number} is ${name} invalid negative access: off=${off}`);
  if (a.access === "write") reject(v, "EACCES", `only read from ${name} is supported`);
  if (off >= MAP_HEADER_BYTES) unsupported(v, `offset ${off}`);
  const member = MEMBERS.find(({ at, size }) => off >= at && off < at + size);
  if (member === undefined) reject(v, "EINVAL", `struct bpf_map doesn't have field at offset ${off}`);
  const where = `in struct bpf_map with off ${off} size ${a.size}`;
  if (member.isPointer !== true) {
    const end = member.at + member.size;
    if (off + a.size <= end) return UNKNOWN_SCALAR;
    reject(v, "EACCES", `access beyond the end of member ${member.name} (mend:${end}) ${where}`);
  }
  if (off !== member.at || a.size !== member.size) {
    reject(v, "EACCES", `cannot access ptr member ${member.name} with moff ${member.at} ${where}`);
  }
  // `security` points to nothing in particular, which is a number; the others are pointers.
  return member.name === "security" ? UNKNOWN_SCALAR : unsupported(v, `the pointer ${member.name}`);
}
