/** What the running kernel says of a program, in the shape `bpfkit verify` prints. */
export interface KernelVerdict {
  readonly verdict: "accept" | "reject";
  /** Why it was rejected: the errno's name. */
  readonly errno?: string;
  /** The verifier's reason, its lines joined by `\n`; empty where the kernel gave none. */
  readonly message?: string;
  /** Instructions the verifier walked. */
  readonly insnsProcessed?: number;
  /** Bytes of each subprogram, in order. */
  readonly stackDepth?: readonly number[];
  /** As far as it fits. */
  readonly log: string;
}

/** Lines of the log that count and time the work (`print_verification_stats`). */
const STATISTICS = /^(verification time \d+|stack depth |processed \d+ insns)/;
/** States the verifier compares, printed with a reason but no part of it. */
const STATES = /^(cur|old) state:/;
/** Lines of the walk: an instruction, a branch taken, a state, a line of C, a call or return. */
const WALK =
  /^(\d+: |from \d+ to \d+|;|R\d+(_w)?=|frame\d+: |func#\d+ @\d+|Validating |mark_precise: |returning from callee|caller:|callee:|to caller at|propagating )/;

/** Reads a log and an errno as a verdict. */
export function readVerdict(errno: string | undefined, log: string): KernelVerdict {
  // Some reasons of the kernel end without a newline.
  const lines = log.replace(/(?<=[^\n])verification time \d+ usec$/m, "\n$&").split("\n");
  const processed = /^processed (\d+) insns/m.exec(log);
  const depths = /^stack depth ([\d+]+)/m.exec(log);
  const statistics = {
    ...(processed === null ? {} : { insnsProcessed: Number(processed[1]) }),
    ...(depths === null ? {} : { stackDepth: depths[1]!.split("+").map(Number) }),
  };
  if (errno === undefined) return { verdict: "accept", ...statistics, log };
  return { verdict: "reject", errno, message: reason(lines), ...statistics, log };
}

/** What stands between the walk and the statistics. */
function reason(lines: readonly string[]): string {
  const end = lines.findIndex((line) => STATISTICS.test(line));
  const body = (end < 0 ? lines : lines.slice(0, end)).filter((line) => line !== "" && !STATES.test(line));
  const start = body.findLastIndex((line) => WALK.test(line)) + 1;
  return body.slice(start).join("\n");
}
