import { type FunctionSignature, functionBtf } from "@bpfkit/btf";
import type { Program, Reference } from "@bpfkit/core";
import { slotIndex } from "@bpfkit/core";

/** A program from slots as hex; `functions` gives it BTF. Loads with source 1 and 2 name the map `m<imm>`. */
export function program(hex: string, fields: Partial<Program> = {}, functions?: readonly FunctionSignature[]): Program {
  const code = Uint8Array.from(hex.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16));
  const type = fields.type ?? "socket_filter";
  return {
    name: "p",
    type,
    code,
    subprograms: (functions ?? [{ name: "p", slot: 0 }]).map(({ name, slot, linkage = "static" }) => ({
      name,
      start: slotIndex(slot),
      linkage,
    })),
    references: mapReferences(code),
    ...(functions === undefined ? {} : { btf: functionBtf(functions, type) }),
    ...fields,
  };
}

function mapReferences(code: Uint8Array): Reference[] {
  const view = new DataView(code.buffer);
  const references: Reference[] = [];
  for (let at = 0; at + 8 <= code.length; at += 8) {
    if (view.getUint8(at) !== 0x18) continue;
    const source = view.getUint8(at + 1) >> 4;
    const map = `m${view.getInt32(at + 4, true)}`;
    const slot = slotIndex(at / 8);
    if (source === 1) references.push({ kind: "map", slot, map });
    if (source === 2) references.push({ kind: "mapValue", slot, map, offset: view.getInt32(at + 12, true) });
    at += 8;
  }
  return references;
}
