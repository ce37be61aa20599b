// npm run fuzz [runs]: the fuzz tests with a budget of one's own (default 100,000 a law).
import { build, install, say, tool } from "./steps.mjs";

const runs = process.argv[2] ?? "100000";
install();
build();
say(`fuzzing, ${runs} runs a law (BPFKIT_FUZZ_RUNS=${runs} vitest run fuzz)`);
tool("vitest", ["run", "fuzz", "--testTimeout=0"], { env: { ...process.env, BPFKIT_FUZZ_RUNS: runs } });
