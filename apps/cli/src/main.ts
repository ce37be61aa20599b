import { readFileSync } from "node:fs";

/**
 * Runs the command line and sets this process's exit status: 0 all well, 1 a program that was refused, faulted or
 * differed, 2 wrong use. Asked for nothing but the version, it loads nothing else.
 *
 * There is no handler for Ctrl-C on purpose: the system ends the process at once, also in the middle of an endless run,
 * and shells see status 130.
 */
export async function main(args: readonly string[]): Promise<void> {
  if (args[0] === "--version" || args[0] === "-V") {
    process.stdout.write(`${version()}\n`);
    return;
  }
  const { runCommandLine } = await import("./cli.js");
  process.exitCode = await runCommandLine(args);
}

function version(): string {
  const manifest: { version: string } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
  return manifest.version;
}
