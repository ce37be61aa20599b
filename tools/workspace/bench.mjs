// npm run bench: the figures behind the speed claims. Needs a quiet machine; never part of the tests.
import { build, install, root, run, say, tool } from "./steps.mjs";

install();
build();
for (const name of ["interpreter", "command", "jit", "jit-parts", "verifier"]) {
  say(`tools/benchmarks/src/${name}.mjs`);
  run(process.execPath, [`${root}tools/benchmarks/src/${name}.mjs`]);
}
say("bpfkit bench");
const results = `${root}apps/bench/results/`;
run(process.execPath, [
  `${root}apps/cli/bin/bpfkit.js`,
  "bench",
  ...["--save", `${results}latest.jsonl`],
  ...["--svg", `${results}latest.svg`],
  ...["--markdown", `${root}BENCHMARKS.md`],
]);
say("packages/*/bench (vitest bench)");
tool("vitest", ["bench", "--run"]);
