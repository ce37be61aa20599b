/** The typed interfaces where bpfkit's packages meet. */

export type { Brand, ByteOffset, GuestAddress, MapId, ProgramId, SlotIndex } from "./brand.js";
export { byteOffset, guestAddress, mapId, programId, slotIndex } from "./brand.js";
export type {
  Availability,
  BatchResult,
  Engine,
  EngineCapabilities,
  Linked,
  LinkSet,
  SharedCode,
  Verdict,
} from "./engine.js";
export type { Place, SourceLine } from "./error.js";
export { BpfkitError, CoreError, formatPlace, isBpfkitError, oneLine } from "./error.js";
export type {
  CallbackBody,
  CallbackIteration,
  Effects,
  HelperBody,
  HelperCall,
  HelperImplementation,
  HelperTable,
} from "./helper.js";
export type {
  GuestMapOperations,
  MapCursorEntry,
  MapLayout,
  MapSpec,
  MapStorage,
  ProgramArray,
  SharedMap,
  SharedSlots,
} from "./map.js";
export { encodeMapHeader, isProgramArray, MAP_HEADER_BYTES, MAP_HEADER_FIELDS } from "./map.js";
export type { Described, GuestMemory, MemoryViews, Permission, Region } from "./memory.js";
export { MemoryFault } from "./memory.js";
export type { CodePages, ExecutableMemory, GuardRegions, NativeArguments, NativeCallback } from "./native.js";
export type { Profile } from "./profile.js";
export type { Program, ProgramBtf, Reference, Subprogram } from "./program.js";
export { FRAME_BYTES, SLOT_BYTES, sourceLineAt, subprogramAt } from "./program.js";
export type {
  Fault,
  FaultKind,
  FrameInfo,
  PacketState,
  Redirect,
  RunContext,
  RunOptions,
  RunResult,
  TraceEvent,
} from "./run.js";
