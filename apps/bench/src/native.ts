import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Contender } from "./clock.js";
import { BenchError } from "./error.js";
import { SOURCES } from "./files.js";
import { firstLine } from "./machine.js";

/** clang -O2 on the same C. */
export interface Native {
  /** What clang says it is. */
  readonly version: string;
  /** A source of `workloads/c` on a packet. @throws {BenchError} `NATIVE_FAILED`. */
  contender(source: string, packet: Uint8Array, round: number): Contender;
  dispose(): void;
}

/** Finds clang; undefined where there is none. */
export function findNative(): Native | undefined {
  const clang = ["clang-19", "clang"].find((name) => firstLine(name, ["--version"]) !== undefined);
  if (clang === undefined) return undefined;
  const folder = mkdtempSync(join(tmpdir(), "bpfkit-bench-"));
  const built = new Map<string, string>();
  const binaryOf = (source: string): string => {
    const binary = built.get(source) ?? join(folder, source);
    if (!built.has(source)) run(clang, ["-O2", "-DNATIVE", `${source}.c`, "native.c", "-o", binary]);
    built.set(source, binary);
    return binary;
  };
  let packets = 0;
  return {
    version: firstLine(clang, ["--version"]) ?? clang,
    contender(source, packet, round) {
      const binary = binaryOf(source);
      const file = join(folder, `packet-${packets++}`);
      writeFileSync(file, packet);
      const once = (): readonly number[] =>
        run(binary, [file, "1", String(round)])
          .trim()
          .split(" ")
          .map(Number);
      return { subject: "native", result: once()[1]!, sample: () => once()[0]! };
    },
    dispose: () => rmSync(folder, { recursive: true, force: true }),
  };
}

function run(command: string, args: readonly string[]): string {
  try {
    return execFileSync(command, args, { encoding: "utf8", cwd: SOURCES, stdio: ["ignore", "pipe", "pipe"] });
  } catch (cause) {
    const { stderr = "", message } = cause as { stderr?: string; message: string };
    throw new BenchError("NATIVE_FAILED", stderr.trim().split("\n")[0] || message, {}, { cause });
  }
}
