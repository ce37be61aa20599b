// How long the command takes to start: medians over bare `node -e 0`, measured alternately so that a busy machine hits all alike.
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const ROUNDS = 21;
const root = fileURLToPath(new URL("../../../", import.meta.url));
const bpfkit = `${root}apps/cli/bin/bpfkit.js`;

const BARE = { name: "node -e 0", args: ["-e", "0"], most: 0 };
/** What is measured, and the milliseconds over bare Node it may take. */
const COMMANDS = [
  { name: "bpfkit --version", args: [bpfkit, "--version"], most: 60 },
  {
    name: "bpfkit run",
    args: [bpfkit, "run", `${root}examples/mixed.o`, "--program", "entry"],
    most: 150,
  },
  { name: "bpfkit disasm", args: [bpfkit, "disasm", `${root}examples/mixed.o`], most: 150 },
  { name: "bpfkit --help", args: [bpfkit, "--help"], most: 200 },
];

function milliseconds({ name, args }) {
  const start = process.hrtime.bigint();
  const { status, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`${name} ended with status ${status}: ${stderr}`);
  return Number(process.hrtime.bigint() - start) / 1e6;
}

const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1];

const all = [BARE, ...COMMANDS];
const times = new Map(all.map((command) => [command, []]));
for (let round = 0; round <= ROUNDS; round++) {
  for (const command of all) {
    const time = milliseconds(command);
    // The first round reads files the system does not have in memory yet.
    if (round > 0) times.get(command).push(time);
  }
}

const bare = median(times.get(BARE));
console.log(`\nstart-up, median of ${ROUNDS}; bare node takes ${bare.toFixed(1)} ms`);
for (const command of COMMANDS) {
  const over = median(times.get(command)) - bare;
  const verdict = over <= command.most ? "within" : "OVER";
  console.log(`  ${command.name.padEnd(18)} ${over.toFixed(1).padStart(6)} ms over it, ${verdict} ${command.most} ms`);
}
