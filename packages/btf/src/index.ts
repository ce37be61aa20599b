/** BTF and BTF.ext: parse, print as C, look up, and turn values into data and back. */

export { kindOf, typeById } from "./decode.js";
export { decodeValue } from "./decode-value.js";
export type { DumpOptions } from "./dump.js";
export { dumpType, dumpTypes, typeName } from "./dump.js";
export { encodeBtf } from "./encode.js";
export { encodeValue } from "./encode-value.js";
export type { BtfErrorCode } from "./error.js";
export { BtfError } from "./error.js";
export type { BtfExt, CoreRelocation, FunctionInfo, SectionInfo } from "./ext.js";
export { coreRelocations, parseBtfExt } from "./ext.js";
export type { DataLayout } from "./fill.js";
export { fillDataSections } from "./fill.js";
export type { FunctionPrototype } from "./lookup.js";
export { findByName, functionPrototype, resolve, sizeOf } from "./lookup.js";
export type { Btf } from "./parse.js";
export { parseBtf, stringAt } from "./parse.js";
export type {
  BtfArray,
  BtfComposite,
  BtfDatasec,
  BtfDeclTag,
  BtfEnum,
  BtfEnum64,
  BtfFloat,
  BtfFunc,
  BtfFuncProto,
  BtfFwd,
  BtfInt,
  BtfKind,
  BtfLinkage,
  BtfMember,
  BtfModifier,
  BtfPtr,
  BtfType,
  BtfVar,
  BtfVoid,
} from "./type.js";
export type { BtfValue } from "./value.js";
