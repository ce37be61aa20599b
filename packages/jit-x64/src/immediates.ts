import { isProgramArray, type MapStorage } from "@bpfkit/core";
import type { Operation } from "@bpfkit/isa";
import { emitConstant, type Translate } from "./arithmetic.js";
import { emitNotAvailable } from "./calls.js";
import { FUNCTION_BASE } from "./context.js";
import { type Current, type Emitter, machine } from "./emitter.js";
import { JitError } from "./error.js";
import { placeOf, targetOf } from "./plan.js";

/** What a 64-bit immediate stands for: a number, a map's header, an address in a map's value, a function. */
const lddw: Translate = (e, i) => {
  const { row, slot, dst } = i;
  const reference = e.referenceAt(slot);
  const set = (value: bigint): void => emitConstant(e, machine(dst), value);
  if (reference?.kind === "map") set(BigInt(mapNamed(e, slot, reference.map).header));
  else if (reference?.kind === "mapValue") set(BigInt(valueAddress(e, slot, reference.map, reference.offset)));
  else if (reference?.kind === "extern") {
    if (reference.weak) set(0n);
    else emitNotAvailable(e, slot, `extern variable ${reference.symbol} is not defined`);
  } else if (row.name === "lddwCode") set(BigInt(functionValue(e, i)));
  else if (row.name === "lddw") set((BigInt(i.nextImm) << 32n) | BigInt.asUintN(32, BigInt(i.imm)));
  else if (row.name === "lddwMap" || row.name === "lddwMapValue") {
    throw new JitError(
      "BAD_MAP",
      "the 64-bit load of a map has no reference that names one",
      placeOf(e.plan.program, slot),
    );
  } else emitNotAvailable(e, slot, `${row.name} is not available outside the kernel`);
};

function functionValue(e: Emitter, { row, slot }: Current): number {
  return FUNCTION_BASE + e.context.functionIndex(targetOf(e.plan.table, row, slot));
}

function mapNamed(e: Emitter, slot: number, name: string): MapStorage {
  const { program } = e.plan;
  const map = e.context.maps.get(name);
  if (map === undefined) throw new JitError("BAD_MAP", `map ${name} is not in the link set`, placeOf(program, slot));
  if (isProgramArray(map)) map.bindOwner(program);
  return map;
}

function valueAddress(e: Emitter, slot: number, name: string, offset: number): number {
  const map = mapNamed(e, slot, name);
  const place = placeOf(e.plan.program, slot);
  if (map.layout?.kind !== "array") {
    throw new JitError("BAD_MAP", `map ${name} is no array in guest memory, so its value has no address`, place);
  }
  const size = map.spec.valueSize * map.spec.maxEntries;
  if (offset >= size)
    throw new JitError("BAD_MAP", `offset ${offset} is past the end of map ${name} (${size} bytes)`, place);
  return map.layout.data + offset;
}

/** Between address spaces of an arena, which exists in the kernel only. */
const addrSpaceCast: Translate = (e, { row, slot }) => {
  emitNotAvailable(e, slot, `${row.name} is not available outside the kernel`);
};

/** RFC 9669 §5.4, by operation. */
export const IMMEDIATES: { readonly [operation in Operation]?: Translate } = { lddw, addrSpaceCast };
