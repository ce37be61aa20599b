import { BpfkitError } from "@bpfkit/core";

/**
 * What this package throws: `BAD_CODE` for code that cannot be read (an instruction that is wrong, a jump or call to where
 * none begins, a subprogram table that does not fit), `UNKNOWN_PROGRAM` for a member of a program array that is not there.
 */
export class StackError extends BpfkitError<"BAD_CODE" | "UNKNOWN_PROGRAM"> {}
