import { randomInt } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { CLASSES, checkClaims, classByName, type Finding, type FuzzOptions, fuzz } from "@bpfkit/fuzz";
import { helperTable } from "@bpfkit/helpers";
import { type Arguments, usage } from "../arguments.js";
import type { Command } from "../command.js";
import { CliError, fileError } from "../errors.js";
import { comparesAddresses } from "../fuzz/addresses.js";
import { claimChecker } from "../fuzz/claim-checker.js";
import { type FuzzEngines, fuzzEngines } from "../fuzz/engines.js";
import { printClaims, printReport } from "../fuzz/report.js";
import { complain, type Output, Progress, toJson } from "../output.js";

const MOST_PROGRAMS = 1_000_000_000;
const MOST_MINUTES = 100_000;
const DEFAULT_PROGRAMS = 1000;

/** `bpfkit fuzz`: engines against each other; with `--claims`, the verifier against runs and the kernel. */
export const command: Command = {
  positionals: "",
  count: [0, 0],
  options: {
    programs: {
      kind: "text",
      value: "N",
      description: `programs to make (${DEFAULT_PROGRAMS}, or no end with a time)`,
    },
    minutes: { kind: "text", value: "N", description: "stop after so many minutes" },
    seconds: { kind: "text", value: "N", description: "stop after so many seconds" },
    seed: { kind: "text", value: "S", description: "the same seed makes the same programs (a new one)" },
    engines: {
      kind: "text",
      value: "A,B",
      description: "engines to hold against each other, also jit-x64:confined (all that are here, at all levels)",
    },
    classes: {
      kind: "text",
      value: "A,B",
      description: `classes of programs: ${CLASSES.map(({ name }) => name).join(", ")}`,
    },
    claims: {
      kind: "flag",
      description:
        "hold what the verifier claims of programs it accepts against their runs; the kernel must accept them",
    },
    "no-verdicts": { kind: "flag", description: "compare runs only, not the verifier's verdicts with the kernel's" },
    out: { kind: "text", value: "DIR", description: "where the test case of a difference is written (.)" },
  },
  examples: [
    "bpfkit fuzz --minutes 5",
    "bpfkit fuzz --programs 100000 --seed 7 --classes packet,maps --json",
    "bpfkit fuzz --claims --programs 500000 --seed 1",
  ],
  run,
};

/** What every session is made with. */
type Session = Pick<FuzzOptions, "seed" | "helpers" | "programs" | "milliseconds" | "classes">;

function run(given: Arguments, output: Output): Promise<number> {
  const classes = list(given, "classes");
  for (const name of classes ?? []) classByName(name);
  const session: Session = {
    seed: given.whole("seed", 0, 2 ** 32 - 1) ?? randomInt(2 ** 32),
    helpers: [...helperTable().keys()].filter((key) => typeof key === "number"),
    ...readLimits(given),
    ...(classes === undefined ? {} : { classes }),
  };
  return given.flag("claims") ? runClaims(given, session, output) : runEngines(given, session, output);
}

async function runEngines(given: Arguments, session: Session, output: Output): Promise<number> {
  const { seed } = session;
  const { runners, judges, missing } = await fuzzEngines(list(given, "engines"));
  const names = runners.map(({ name }) => name);
  for (const { name, reason } of missing) complain(`bpfkit fuzz: engine ${name} is ${reason}`);
  if (runners.length < 2 && judges === undefined) {
    const there = names.join(", ") || "none";
    throw new CliError("NOT_AVAILABLE", `fuzzing holds two engines against each other; here there is ${there}`);
  }
  if (!output.json) output.line(`seed ${seed}, engines ${names.join(", ")}`);
  output.flush();
  const progress = new Progress();
  const report = fuzz({
    ...session,
    runners,
    isOpen: comparesAddresses,
    ...(judges === undefined || given.flag("no-verdicts") ? {} : { judges }),
    onProgress: (so) => progress.show(`${so.programs} programs in ${so.cases} cases`),
  });
  progress.done();
  const file = report.finding === undefined ? undefined : writeCase(report.finding, given.text("out") ?? ".");
  if (output.json) {
    if (report.finding !== undefined)
      output.object({ finding: report.finding.difference, case: report.finding.file, file });
    output.object({
      seed,
      engines: names,
      missing,
      verdicts: report.verdicts,
      skipped: report.skipped,
      coverage: report.coverage,
    });
  } else printReport(report, file, output);
  return report.finding === undefined ? 0 : 1;
}

async function runClaims(given: Arguments, session: Session, output: Output): Promise<number> {
  if (given.text("engines") !== undefined) throw usage("--claims runs the interpreter, so --engines says nothing");
  const { judges, missing } = given.flag("no-verdicts") ? NO_KERNEL : await fuzzEngines(["kernel"]);
  for (const { name, reason } of missing) complain(`bpfkit fuzz: engine ${name} is ${reason}`);
  const judge = judges?.[1];
  if (!output.json) output.line(`seed ${session.seed}, ${judge === undefined ? "no kernel" : "with the kernel"}`);
  output.flush();
  const progress = new Progress();
  const report = checkClaims({
    ...session,
    checker: claimChecker(),
    ...(judge === undefined ? {} : { judge }),
    onProgress: ({ programs, accepted }) => progress.show(`${programs} programs, ${accepted} accepted`),
  });
  progress.done();
  const { seed, counts, coverage, finding } = report;
  const file = finding === undefined ? undefined : writeCase(finding, given.text("out") ?? ".");
  if (output.json) {
    if (finding !== undefined) output.object({ finding: finding.difference, case: finding.file, file });
    output.object({ seed, kernel: judge !== undefined, claims: counts, coverage });
  } else printClaims(report, file, output);
  return finding === undefined ? 0 : 1;
}

const NO_KERNEL: Pick<FuzzEngines, "judges" | "missing"> = { missing: [] };

function readLimits(given: Arguments): { programs?: number; milliseconds?: number } {
  const minutes = given.whole("minutes", 1, MOST_MINUTES);
  const seconds = given.whole("seconds", 1, 60 * MOST_MINUTES);
  if (minutes !== undefined && seconds !== undefined)
    throw usage("--minutes and --seconds exclude each other; give one");
  const milliseconds = minutes === undefined ? (seconds === undefined ? undefined : seconds * 1000) : minutes * 60_000;
  const programs =
    given.whole("programs", 1, MOST_PROGRAMS) ?? (milliseconds === undefined ? DEFAULT_PROGRAMS : undefined);
  return { ...(programs === undefined ? {} : { programs }), ...(milliseconds === undefined ? {} : { milliseconds }) };
}

function list(given: Arguments, name: string): readonly string[] | undefined {
  return given
    .text(name)
    ?.split(",")
    .filter((one) => one !== "");
}

/** Writes the shrunk case as a declarative test; `bpfkit test` runs it. */
function writeCase(finding: Finding, folder: string): string {
  const file = join(folder, `${finding.file["id"]}.jsonl`);
  try {
    writeFileSync(file, `${toJson(finding.file)}\n`);
  } catch (cause) {
    throw fileError("UNWRITABLE", file, cause);
  }
  return file;
}
