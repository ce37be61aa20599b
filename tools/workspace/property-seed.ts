// Gives every property test the seed in BPFKIT_PROPERTY_SEED, so that a run can be repeated. Without it each run draws its own.
import fc from "fast-check";

fc.configureGlobal({ seed: Number(process.env["BPFKIT_PROPERTY_SEED"]) });
