import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath, pathToFileURL } from "node:url";
import { root } from "./packages.js";

/**
 * The folder of recorded answers, the public suite and foreign objects: beside the checkout, or where `BPFKIT_SHARED`
 * points. It is not part of the project; tests that need it are skipped by name where it is missing.
 */
export const shared: URL = process.env["BPFKIT_SHARED"]
  ? pathToFileURL(`${process.env["BPFKIT_SHARED"]}/`)
  : new URL("../shared/", root);

export function sharedPath(name: string): string {
  return fileURLToPath(new URL(name, shared));
}

/** Whether a file or folder of it is there. */
export function hasShared(name: string): boolean {
  return existsSync(new URL(name, shared));
}

/** The lines of a JSON-lines file of it; none where it is missing. */
export function sharedLines(name: string): unknown[] {
  if (!hasShared(name)) return [];
  return readFileSync(new URL(name, shared), "utf8")
    .split("\n")
    .filter((line) => line.trim() !== "")
    .map((line) => JSON.parse(line) as unknown);
}
