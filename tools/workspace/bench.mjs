// npm run bench: the figures behind the speed claims. Needs a quiet machine; never part of the tests.
import { build, install, root, run, say, tool } from "./steps.mjs";

install();
build();
for (const name of ["interpreter", "command", "jit", "jit-parts"]) {
  say(`tools/benchmarks/src/${name}.mjs`);
  run(process.execPath, [`${root}tools/benchmarks/src/${name}.mjs`]);
}
say("packages/*/bench (vitest bench)");
tool("vitest", ["bench", "--run"]);
