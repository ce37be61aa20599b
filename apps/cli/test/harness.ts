import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = new URL("../../../", import.meta.url);

/** A file of the checkout by its path from the root. */
export const inRoot = (path: string): string => fileURLToPath(new URL(path, root));

/** The executable is made by the build; tests of it are skipped by name where it is missing. */
export const built: boolean = existsSync(inRoot("apps/cli/dist/main.js"));
export const BUILT = "the executable (skipped without a build: npm run build)";

const BIN = inRoot("apps/cli/bin/bpfkit.js");

/** What a process came to. */
export interface Ended {
  readonly status: number | string;
  readonly stdout: string;
  readonly stderr: string;
}

/** How a process is started. */
export interface Start {
  readonly input?: string | Uint8Array;
  readonly bin?: string;
  readonly cwd?: string;
  /** A signal sent this many milliseconds after the start. */
  readonly signal?: { readonly name: NodeJS.Signals; readonly after: number };
}

/** Runs the executable; `status` is the signal's name where one ended it. */
export function bpfkit(args: readonly string[], { input = "", bin = BIN, cwd, signal }: Start = {}): Promise<Ended> {
  return new Promise((done) => {
    const child = spawn(process.execPath, [bin, ...args], cwd === undefined ? {} : { cwd });
    let stdout = "";
    let stderr = "";
    child.stdout.on("data", (data) => {
      stdout += data;
    });
    child.stderr.on("data", (data) => {
      stderr += data;
    });
    child.stdin.on("error", () => {});
    child.stdin.end(input);
    if (signal !== undefined) setTimeout(() => child.kill(signal.name), signal.after);
    child.on("close", (code, name) => done({ status: code ?? name ?? "", stdout, stderr }));
  });
}

/** The objects of `--json` output: every line must be one. */
export function objects({ stdout }: Ended): Record<string, unknown>[] {
  return stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
}

/** A folder of its own with files in it. */
export function folderWith(files: Readonly<Record<string, string | Uint8Array>>): string {
  const folder = mkdtempSync(join(tmpdir(), "bpfkit-"));
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
  return folder;
}
