/** The rules of one kernel version on one architecture: what differs between them is data here, not code elsewhere. */
export interface Profile {
  /** `6.18`, `5.10`, … */
  readonly version: string;
  /** `x86-64`, `arm64`, … */
  readonly arch: string;
  /** Tail calls one entry may make (`MAX_TAIL_CALL_CNT`). */
  readonly tailCallLimit: number;
  /** `shared`: one count for the whole entry (6.12 on); `by-value`: handed down to callees, not back up (to 6.11). */
  readonly tailCallCount: "shared" | "by-value";
  /** Whether programs may call subprograms at all (4.16 on). */
  readonly calls: boolean;
  /** Whether calls and tail calls may stand in one program. */
  readonly mixed: boolean;
  /** Frames of one program, the entry included (`MAX_CALL_FRAMES`). */
  readonly maxFrames: number;
  /** Bytes of stack along a call chain. */
  readonly maxStack: number;
  /** Bytes of the frames before one that tail-calls must stay below this; undefined where there is no such rule. */
  readonly maxStackBeforeTailCall?: number;
  /** Frames are rounded up to this many bytes. */
  readonly stackRounding: number;
  /** Whether traced program types get a stack of their own per frame (6.13 on x86-64). */
  readonly privateStacks: boolean;
}
