// Compiles the workloads with clang-19: an XDP and a raw-memory object of each source in c/, one of each in programs/.
//   node apps/bench/workloads/build.mjs           writes objects/
//   node apps/bench/workloads/build.mjs --check   compares instead: status 1 where an object differs or is missing
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = fileURLToPath(new URL(".", import.meta.url));
const sources = (folder) =>
  readdirSync(join(here, folder)).filter((file) => file.endsWith(".c") && !["native.c"].includes(file));

const jobs = [
  ...sources("c").flatMap((file) => [
    { folder: "c", file, flags: [], target: "xdp" },
    // Maps cannot be given to an outside VM.
    ...(["array.c", "hash.c"].includes(file) ? [] : [{ folder: "c", file, flags: ["-DRAW"], target: "raw" }]),
  ]),
  ...sources("programs").map((file) => ({ folder: "programs", file, flags: [], target: "programs" })),
];

/** The compile folder is set to `.`, so that no path of this machine gets into the object. */
function compile({ folder, file, flags }, object) {
  const all = ["-O2", "-g", "-Wall", "-Werror", "-target", "bpf", "-mcpu=v3", "-fdebug-compilation-dir=.", ...flags];
  const options = { stdio: ["ignore", "inherit", "inherit"], cwd: join(here, folder) };
  execFileSync("clang-19", [...all, "-c", file, "-o", object], options);
  execFileSync("llvm-strip-19", ["-g", object], options);
}

const objectOf = ({ file, target }) => join(here, "objects", target, `${basename(file, ".c")}.o`);

function differs(job) {
  const scratch = mkdtempSync(join(tmpdir(), "bpfkit-bench-"));
  try {
    compile(job, join(scratch, "object.o"));
    return !readFileSync(objectOf(job)).equals(readFileSync(join(scratch, "object.o")));
  } catch (error) {
    if (error.code === "ENOENT" && error.syscall === "open") return true;
    throw error;
  } finally {
    rmSync(scratch, { recursive: true });
  }
}

if (process.argv.includes("--check")) {
  const differing = jobs.filter(differs);
  for (const job of differing) console.log(`differs from its source: ${objectOf(job)}`);
  process.exitCode = differing.length === 0 ? 0 : 1;
} else {
  for (const job of jobs) {
    mkdirSync(join(here, "objects", job.target), { recursive: true });
    compile(job, objectOf(job));
  }
}
console.log(`${jobs.length} objects`);
