// npm run bench: the figures behind the speed claims. Needs a quiet machine; never part of the tests.
import { build, install, root, run } from "./steps.mjs";

install();
build();
for (const name of ["interpreter", "load", "command", "jit"])
  run(process.execPath, [`${root}tools/benchmarks/src/${name}.mjs`]);
