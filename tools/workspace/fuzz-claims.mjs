// npm run fuzz:claims [seconds]: what the verifier accepts, run, and held against what it claims and against the kernel where
// there is one, on new programs (those of BPFKIT_PROPERTY_SEED where it is set), default 45 s. Fails on a claim that does not hold, with the seed and a test case.
import { build, install, root, run, say } from "./steps.mjs";

const seconds = process.argv[2] ?? "45";
const seed = process.env.BPFKIT_PROPERTY_SEED;
const options = ["--claims", "--seconds", seconds, ...(seed === undefined ? [] : ["--seed", seed])];
install();
build();
say(`bpfkit fuzz ${options.join(" ")}`);
run(process.execPath, [`${root}apps/cli/bin/bpfkit.js`, "fuzz", ...options]);
