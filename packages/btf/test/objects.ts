import { existsSync, readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** Objects that clang made of the fixtures' C sources. */
const FIXTURES = new URL("../../../tools/fixtures/objects/", import.meta.url);
const SHARED = new URL("../../../../shared/objects/", import.meta.url);

/** Paths of all fixture objects, and of the shared ones where their folder exists. */
export function objectPaths(): string[] {
  return [FIXTURES, SHARED]
    .filter((folder) => existsSync(folder))
    .flatMap((folder) =>
      readdirSync(folder).flatMap((part) =>
        part === "invalid"
          ? []
          : readdirSync(new URL(`${part}/`, folder)).map((file) => fileURLToPath(new URL(`${part}/${file}`, folder))),
      ),
    );
}

/** The path of one fixture object. */
export const fixture = (path: string): string => fileURLToPath(new URL(path, FIXTURES));

/** A section of an ELF object, copied; undefined where it has none of the name. */
export function sectionOf(path: string, name: string): Uint8Array | undefined {
  const bytes = new Uint8Array(readFileSync(path));
  const view = new DataView(bytes.buffer);
  const start = Number(view.getBigUint64(0x28, true));
  const row = (index: number): number => start + index * 64;
  const place = (index: number): number => Number(view.getBigUint64(row(index) + 0x18, true));
  const names = place(view.getUint16(0x3e, true));
  for (let index = 0; index < view.getUint16(0x3c, true); index++) {
    const at = names + view.getUint32(row(index), true);
    if (new TextDecoder().decode(bytes.subarray(at, bytes.indexOf(0, at))) !== name) continue;
    return bytes.slice(place(index), place(index) + Number(view.getBigUint64(row(index) + 0x20, true)));
  }
  return undefined;
}

/**
 * Milliseconds of processor time this process has used: on a busy machine the clock on the wall says little about how
 * long a piece of work takes.
 */
export function cpuMilliseconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
