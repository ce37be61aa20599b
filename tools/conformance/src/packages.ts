import { existsSync, readdirSync, readFileSync } from "node:fs";

/** The repository's root, with a slash at its end. */
export const root: URL = new URL("../../../", import.meta.url);

export interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly private?: boolean;
  readonly exports?: Record<string, unknown>;
  readonly sideEffects?: boolean;
  readonly dependencies?: Record<string, string>;
  readonly optionalDependencies?: Record<string, string>;
  readonly devDependencies?: Record<string, string>;
  readonly publishConfig?: { readonly exports?: Record<string, unknown> };
}

/** A folder with a manifest. */
export interface Package {
  /** `packages/core/`, from the root. */
  readonly folder: string;
  readonly manifest: Manifest;
}

/** The packages below a folder of the workspace: `packages`, `apps` or `tools`. */
export function packagesIn(group: string): Package[] {
  return readdirSync(new URL(`${group}/`, root))
    .map((name) => `${group}/${name}/`)
    .filter((folder) => existsSync(new URL(`${folder}package.json`, root)))
    .map((folder) => ({ folder, manifest: JSON.parse(readText(`${folder}package.json`)) as Manifest }));
}

/** Reads a text file by its path from the root. */
export function readText(path: string): string {
  return readFileSync(new URL(path, root), "utf8");
}

/** Every file below a folder whose name ends so, by its path from the root. */
export function filesIn(folder: string, ending: string): string[] {
  if (!existsSync(new URL(folder, root))) return [];
  return readdirSync(new URL(folder, root), { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(ending))
    .map((entry) => `${entry.parentPath}/${entry.name}`.replaceAll("\\", "/"))
    .map((path) => path.slice(new URL(root).pathname.length))
    .filter((path) => !path.includes("node_modules/") && !path.includes("/dist/"))
    .sort();
}
