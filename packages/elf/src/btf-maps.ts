import { type Btf, type BtfMember, findByName, resolve, sizeOf, typeById } from "@bpfkit/btf";
import type { MapSpec } from "@bpfkit/core";
import type { ElfFile } from "./elf-file.js";
import { ElfError } from "./error.js";
import { type MapDefinition, mapType, specOrError } from "./map-definition.js";
import { isMapInMap } from "./map-types.js";

/** The section of maps defined by BTF. */
export const MAPS_SECTION = ".maps";

/** Bytes a definition takes as data, about. */
const DEFINITION_BYTES = 256;

/** Members a definition may have; libbpf knows a dozen. */
const MAX_MEMBERS = 64;

/**
 * Reads maps defined in `.maps`: each variable's type is a structure whose members say in their types what the map is
 * (libbpf `parse_btf_map_def`). `btf` must have its data sections filled in.
 */
export function readBtfMaps(elf: ElfFile, btf: Btf): MapDefinition[] {
  const section = elf.sections.find(({ name }) => name === MAPS_SECTION);
  const id = section === undefined ? undefined : findByName(btf, MAPS_SECTION, "datasec");
  const variables = id === undefined ? undefined : typeById(btf, id);
  if (section === undefined || variables?.kind !== "datasec") return [];
  return variables.variables.map(({ type, offset, size }) => {
    const variable = typeById(btf, type);
    const { name } = variable;
    elf.budget.charge(DEFINITION_BYTES);
    let values: number | undefined;
    const spec = specOrError(elf, name, MAPS_SECTION, () => {
      if (variable.kind !== "var") throw new ElfError("BAD_MAP", `type ${type} is a ${variable.kind}, not a variable`);
      const members = membersOf(btf, variable.type);
      const at = members.find((member) => member.name === "values")?.bitOffset;
      values = at === undefined ? undefined : offset + at / 8;
      return readDefinition(btf, name, members, true);
    });
    return { name, section: section.index, offset, size, spec, ...(values === undefined ? {} : { values }) };
  });
}

function membersOf(btf: Btf, id: number): readonly BtfMember[] {
  const type = typeById(btf, resolve(btf, id));
  if (type.kind !== "struct") throw new ElfError("BAD_MAP", `its type ${id} is a ${type.kind}, not a struct`);
  if (type.members.length > MAX_MEMBERS) throw new ElfError("BAD_MAP", `its struct has ${type.members.length} members`);
  return type.members;
}

/** What the members of a definition have said so far. */
type Fields = { -readonly [key in keyof MapSpec]?: MapSpec[key] };

function readDefinition(btf: Btf, name: string, members: readonly BtfMember[], outer: boolean): MapSpec {
  const fields: Fields = {};
  for (const member of members) readMember(btf, name, member, fields, outer);
  const { type, ...rest } = fields;
  if (type === undefined) throw new ElfError("BAD_MAP", "its type is missing");
  return { name, type, keySize: 0, valueSize: 0, maxEntries: 0, flags: 0, ...rest };
}

function readMember(btf: Btf, name: string, member: BtfMember, fields: Fields, outer: boolean): void {
  switch (member.name) {
    case "type":
      fields.type = mapType(number(btf, member));
      break;
    case "max_entries":
      fields.maxEntries = number(btf, member);
      break;
    case "map_flags":
      fields.flags = number(btf, member);
      break;
    case "key_size":
      setSize(fields, "keySize", number(btf, member));
      break;
    case "value_size":
      setSize(fields, "valueSize", number(btf, member));
      break;
    case "key":
      fields.btfKeyTypeId = pointed(btf, member);
      setSize(fields, "keySize", sizeOf(btf, fields.btfKeyTypeId));
      break;
    case "value":
      fields.btfValueTypeId = pointed(btf, member);
      setSize(fields, "valueSize", sizeOf(btf, fields.btfValueTypeId));
      break;
    case "values":
      readValues(btf, name, member, fields, outer);
      break;
    case "pinning":
      if (number(btf, member) !== 0) fields.pinning = number(btf, member);
      break;
    case "map_extra":
      fields.extra = longNumber(btf, member);
      break;
    case "numa_node":
      // Where the kernel puts the map on a machine with several memories; it changes nothing a program sees.
      number(btf, member);
      break;
    default:
      throw new ElfError("BAD_MAP", `unknown member ${member.name}`);
  }
}

/** A size may be given twice, as a number and by a type. */
function setSize(fields: Fields, key: "keySize" | "valueSize", size: number): void {
  const known = fields[key];
  if (known !== undefined && known !== size) throw new ElfError("BAD_MAP", `${key} is both ${known} and ${size}`);
  fields[key] = size;
}

/** `__uint(name, n)`: a pointer to an array of n elements. */
function number(btf: Btf, member: BtfMember): number {
  const type = typeById(btf, resolve(btf, pointed(btf, member)));
  if (type.kind !== "array") throw new ElfError("BAD_MAP", `member ${member.name} is no number (see __uint)`);
  return type.length;
}

/** `__ulong(name, n)`: an enumeration of one value; also as `__uint`. */
function longNumber(btf: Btf, member: BtfMember): bigint {
  const type = typeById(btf, resolve(btf, member.type));
  if (type.kind === "ptr") return BigInt(number(btf, member));
  const value = type.kind === "enum" || type.kind === "enum64" ? type.values[0]?.value : undefined;
  if (value === undefined) throw new ElfError("BAD_MAP", `member ${member.name} is no number (see __ulong)`);
  return BigInt.asUintN(64, BigInt(value));
}

/** `__type(name, t)`: a pointer to t. */
function pointed(btf: Btf, member: BtfMember): number {
  const type = typeById(btf, resolve(btf, member.type));
  if (type.kind !== "ptr") throw new ElfError("BAD_MAP", `member ${member.name} is a ${type.kind}, not a pointer`);
  return type.type;
}

/** `__array(values, t)`: t is a function's type for program arrays, the inner map's definition for maps in maps. */
function readValues(btf: Btf, name: string, member: BtfMember, fields: Fields, outer: boolean): void {
  if (!outer) throw new ElfError("BAD_MAP", "a map in a map cannot hold maps itself");
  const array = typeById(btf, resolve(btf, member.type));
  if (array.kind !== "array") throw new ElfError("BAD_MAP", `its values are a ${array.kind}, not an array`);
  const pointer = typeById(btf, resolve(btf, array.type));
  if (pointer.kind !== "ptr") throw new ElfError("BAD_MAP", `its values are of kind ${pointer.kind}, not pointers`);
  setSize(fields, "valueSize", 4);
  if (typeById(btf, resolve(btf, pointer.type)).kind === "func_proto") return;
  fields.inner = readDefinition(btf, `${name}.inner`, membersOf(btf, pointer.type), false);
}

/** Whether `.values` of a map names programs or maps. */
export const valuesOf = (spec: MapSpec): "program" | "map" => (isMapInMap(spec.type) ? "map" : "program");
