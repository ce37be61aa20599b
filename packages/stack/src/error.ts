import { BpfkitError } from "@bpfkit/core";

/**
 * What this package throws: `BAD_CODE` for code that cannot be read (an instruction that is wrong, a jump or call to where
 * none begins, a subprogram table that does not fit), `UNKNOWN_MAP` and `UNKNOWN_PROGRAM` for a name nothing answers to.
 */
export class StackError extends BpfkitError<"BAD_CODE" | "UNKNOWN_MAP" | "UNKNOWN_PROGRAM"> {}
