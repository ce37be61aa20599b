// npm test: install, build, run every test. Arguments go to vitest (`npm test -- packages/isa`).
import { build, install, say, tool } from "./steps.mjs";

install();
build();
say("testing (vitest run)");
tool("vitest", ["run", ...process.argv.slice(2)]);
