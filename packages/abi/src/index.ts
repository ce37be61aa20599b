/** Facts of Linux as data: helpers, map types, program types and their contexts, errnos and flags, kernel profiles. */

export { ATTACH_TYPES, attachTypeId } from "./attach-types.js";
export type { ContextAccessRules, ContextRange, ContextValue } from "./context-access.js";
export {
  contextAccess,
  findContextRange,
  SOCKET_ACCESS,
  TCP_SOCKET_ACCESS,
  XDP_SOCKET_ACCESS,
} from "./context-access.js";
export type { ContextField, ContextPointer, ContextStruct } from "./context-fields.js";
export { CONTEXT_STRUCTS, contextAccessOk, contextFieldAt } from "./context-fields.js";
export type { ErrnoName } from "./errno.js";
export { ERRNO, errnoName } from "./errno.js";
export { AbiError } from "./error.js";
export { LOAD_FLAGS, MAP_FLAGS, UPDATE_FLAGS } from "./flags.js";
export type {
  HelperArgument,
  HelperArgumentKind,
  HelperPrototype,
  HelperReturn,
  HelperReturnKind,
} from "./helper-prototypes.js";
export { HELPER_PROTOTYPES, helperById, helperByName } from "./helper-prototypes.js";
export type { Kfunc, KfuncArgumentKind, KfuncIterator, KfuncRegion, KfuncReturnKind } from "./kfuncs.js";
export { KFUNCS, kfuncByName } from "./kfuncs.js";
export type { MapTypeRules, SizeRule } from "./map-types.js";
export { MAP_TYPES, mapCreationErrno, mapTypeById, mapTypeByName } from "./map-types.js";
export { DEFAULT_PROFILE, PROFILES, profileFor } from "./profiles.js";
export type { ProgramTypeFacts } from "./program-types.js";
export { actionName, PROGRAM_TYPES, programTypeById, programTypeByName } from "./program-types.js";
