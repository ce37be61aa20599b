// npm run fuzz:engines [seconds]: engines held against each other on new programs, default 45 s. Fails on a difference,
// with the seed and a test case; where there are not two engines, says why and does nothing.
import { build, install, root, run, say } from "./steps.mjs";

const seconds = process.argv[2] ?? "45";
install();
build();
const { fuzzEngines } = await import(`${root}apps/cli/dist/fuzz/engines.js`);
const { runners, missing } = await fuzzEngines();
for (const { name, reason } of missing) say(`engine ${name}: ${reason}`);
if (runners.length < 2) say("skipped: there are not two engines to hold against each other");
else {
  say(`bpfkit fuzz --seconds ${seconds}`);
  run(process.execPath, [`${root}apps/cli/bin/bpfkit.js`, "fuzz", "--no-verdicts", "--seconds", seconds]);
}
