// The steps behind the root's npm scripts. Nothing here needs an installed package: it runs on a fresh clone.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { delimiter } from "node:path";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("../../", import.meta.url));

const PNPM = "pnpm@10.34.9";
const LEAST_NODE = [20, 19];

/** Prints what happens next, so that a long step is no riddle. */
export function say(text) {
  console.log(`\n▸ ${text}`);
}

/** Runs a command in the root and ends this process with its status if it fails. */
export function run(command, args, options = {}) {
  const result = spawnSync(command, args, { cwd: root, stdio: "inherit", ...options });
  if (result.error) fail(`${command} could not be started: ${result.error.message}`);
  if (result.status !== 0) process.exit(result.status ?? 1);
}

/** Runs a tool of the workspace's own node_modules. */
export function tool(name, args, options) {
  run(process.execPath, [binary(name), ...args], options);
}

function binary(name) {
  const manifest = JSON.parse(readFileSync(`${root}node_modules/${name}/package.json`, "utf8"));
  const bin =
    typeof manifest.bin === "string"
      ? manifest.bin
      : (manifest.bin[name.split("/").at(-1)] ?? Object.values(manifest.bin)[0]);
  return `${root}node_modules/${name}/${bin}`;
}

export function fail(text) {
  console.error(text);
  process.exit(2);
}

function checkNode() {
  const [major, minor] = process.versions.node.split(".").map(Number);
  if (major > LEAST_NODE[0] || (major === LEAST_NODE[0] && minor >= LEAST_NODE[1])) return;
  fail(`bpfkit needs Node ${LEAST_NODE.join(".")} or newer; this is ${process.versions.node}`);
}

/** Installs what the lock file says, unless that was done already. */
export function install() {
  checkNode();
  const lock = createHash("sha256")
    .update(readFileSync(`${root}pnpm-lock.yaml`))
    .digest("hex");
  const stamp = `${root}node_modules/.installed-lock`;
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === lock) return;
  say(`installing (npx ${PNPM} install)`);
  // Through npm's own npx, so that nothing global is needed.
  const npx = process.platform === "win32" ? "npx.cmd" : "npx";
  run(npx, ["--yes", PNPM, "install", "--frozen-lockfile", "--reporter=append-only", "--loglevel=warn"], {
    shell: process.platform === "win32",
  });
  writeFileSync(stamp, lock);
}

/** Builds every package; turbo skips what did not change. */
export function build() {
  say("building (turbo run build:all)");
  // turbo asks the workspace's package manager, which is a dependency here and need not be global.
  const PATH = `${root}node_modules/.bin${delimiter}${process.env.PATH}`;
  const env = { ...process.env, PATH, TURBO_TELEMETRY_DISABLED: "1", TURBO_NO_UPDATE_NOTIFIER: "1" };
  tool("turbo", ["run", "build:all", "--output-logs=errors-only"], { env });
}
