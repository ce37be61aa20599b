/** Bodies of the eBPF helper functions, and the effects they need. */
export type { FixedEffects } from "./effects.js";
export { fixedEffects, guestEffects, hostEffects } from "./effects.js";
export type { HelperErrorCode } from "./error.js";
export { HelperError } from "./error.js";
export { helperTable } from "./table.js";
