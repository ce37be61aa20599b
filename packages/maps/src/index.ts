/** Data maps in guest memory. */

export { attachMap, createMap, SUPPORTED_MAP_TYPES } from "./create-map.js";
export type { MapErrorCode } from "./error.js";
export { MapError } from "./error.js";
export { HASH_NAME, hashKey } from "./hash.js";
export type { MapOfMaps } from "./map-of-maps.js";
export { isMapOfMaps } from "./map-of-maps.js";
export type { MapOptions } from "./spec.js";
