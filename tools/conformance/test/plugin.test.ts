import { execFile } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parse } from "@bpfkit/asm";
import { describe, expect, test } from "vitest";
import { parseDataFile } from "../src/data-file.js";
import { root } from "../src/packages.js";
import { hasShared, sharedPath } from "../src/shared.js";

const FOLDER = "conformance/tests";
const plugin = fileURLToPath(new URL("apps/cli/bin/bpfkit-conformance.js", root));
const here = hasShared(FOLDER) && existsSync(new URL("apps/cli/dist/main.js", root));
/** A process for each case takes time: all of them run only where that is asked for, and else some. */
const step = process.env["BPFKIT_EVERY_PLUGIN_CASE"] ? 1 : 31;
const files = here ? readdirSync(sharedPath(FOLDER)).filter((name) => name.endsWith(".data")) : [];
const chosen = files.filter((name, index) => index % step === 0 && name !== "callx.data");

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

/** Runs a case as bpf_conformance_runner does: memory as hex with spaces in the first argument, the program on standard input. */
function runPlugin(name: string): Promise<{ status: number; stdout: string; stderr: string }> {
  const { asm, mem } = parseDataFile(readFileSync(sharedPath(`${FOLDER}/${name}`), "utf8"));
  const program = hex(parse(asm, { syntax: "ubpf" }).code).replace(/../g, "$&  ");
  const memory = mem.length === 0 ? [] : [hex(mem).replace(/../g, "$&  ")];
  return new Promise((done) => {
    const child = execFile(process.execPath, [plugin, ...memory], (error, stdout, stderr) => {
      done({ status: typeof error?.code === "number" ? error.code : 0, stdout, stderr });
    });
    child.stdin!.end(`${program}\n`);
  });
}

describe.skipIf(!here)(
  `the plugin as a process (skipped without ${FOLDER} beside the checkout or without a build)`,
  () => {
    test.each(chosen)("%s", async (name) => {
      const { result } = parseDataFile(readFileSync(sharedPath(`${FOLDER}/${name}`), "utf8"));
      expect(await runPlugin(name)).toEqual({ status: 0, stdout: `${result.toString(16)}\n`, stderr: "" });
    });

    test("callx.data is refused by name", async () => {
      const { status, stdout, stderr } = await runPlugin("callx.data");
      expect([status, stdout]).toEqual([1, ""]);
      expect(stderr).toMatch(/^bpfkit conformance: .*callx.*\n$/);
    });
  },
);
