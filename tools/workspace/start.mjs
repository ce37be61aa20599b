// npm start: install, build, and show what bpfkit is for.
import { build, install, root, run, say } from "./steps.mjs";

install();
build();
say("the main job, on examples/ (node examples/tour.mjs)");
run(process.execPath, [`${root}examples/tour.mjs`]);
