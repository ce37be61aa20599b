// npm run fuzz:claims [seconds]: what the verifier accepts, run, and held against what it claims and against the kernel where
// there is one, on new programs, default 45 s. Fails on a claim that does not hold, with the seed and a test case.
import { build, install, root, run, say } from "./steps.mjs";

const seconds = process.argv[2] ?? "45";
install();
build();
say(`bpfkit fuzz --claims --seconds ${seconds}`);
run(process.execPath, [`${root}apps/cli/bin/bpfkit.js`, "fuzz", "--claims", "--seconds", seconds]);
