import type { StackReport } from "@bpfkit/stack";
import { type Arguments, usage } from "../arguments.js";
import type { Command } from "../command.js";
import { writeBytes } from "../files.js";
import { INPUT_OPTIONS } from "../input.js";
import type { Output } from "../output.js";
import type { StackRequest } from "../stack/input.js";

const PICTURES = ["svg", "html", "dot", "mermaid"] as const;

/** `bpfkit stack`: call and tail-call chains with the stack they keep, before anything is loaded. */
export const command: Command = {
  positionals: "<file>",
  count: [1, 1],
  options: {
    program: { kind: "text", value: "NAME", description: "function or section name (all programs)" },
    ...INPUT_OPTIONS,
    profile: { kind: "text", value: "VERSION,…", description: "kernels whose rules apply (6.18)" },
    arch: { kind: "text", value: "ARCH,…", description: "architectures whose rules apply (x86-64)" },
    slot: {
      kind: "list",
      value: "MAP:INDEX=PROGRAM…",
      description: "what a slot of a program array holds; - empties it",
    },
    "no-verify": { kind: "flag", description: "estimate frames from the code without asking the verifier" },
    svg: { kind: "flag", description: "draw the stack at the worst moment and at each tail call" },
    html: { kind: "flag", description: "the same as a page, with tables, for every profile" },
    dot: { kind: "flag", description: "draw the graph of calls and tail calls for Graphviz" },
    mermaid: { kind: "flag", description: "the same for Mermaid" },
    width: { kind: "text", value: "PIXELS", description: "width of the SVG, 600 to 1600 (960)" },
    output: { kind: "text", short: "o", value: "FILE", description: "write the picture there instead of printing it" },
  },
  examples: [
    "bpfkit stack lb.o --profile 5.9,5.10,6.18 --arch x86-64,riscv64",
    "bpfkit stack lb.o --program xdp_lb --svg -o stack.svg",
  ],
  run,
};

async function run(given: Arguments, output: Output): Promise<number> {
  const { readRequest } = await import("../stack/input.js");
  const picture = pictureAsked(given, output);
  const request = await readRequest(given);
  const { reportStack } = await import("@bpfkit/stack");
  const reports = request.profiles.map((profile) => chosen(reportStack(request.facts, profile), request));
  if (picture !== undefined) await draw(picture, reports, request, given, output);
  else if (output.json) printJson(reports, output);
  else await printText(reports, output);
  return reports.some(({ programs }) => programs.some(({ verdict }) => verdict === "reject")) ? 1 : 0;
}

function pictureAsked(given: Arguments, output: Output): (typeof PICTURES)[number] | undefined {
  const asked = PICTURES.filter((name) => given.flag(name));
  if (asked.length > 1) throw usage(`draws one picture at a time: --${asked.join(" or --")}`);
  if (asked.length === 1 && output.json) throw usage(`--${asked[0]} is no JSON; leave one of them out`);
  for (const name of ["output", "width"]) {
    if (given.text(name) !== undefined && asked.length === 0)
      throw usage(`--${name} needs a picture: --${PICTURES.join(", --")}`);
  }
  if (given.text("output") === "") throw usage("--output needs a file name");
  return asked[0];
}

/** A report of the programs that were asked for; the graph around them stays. */
function chosen(report: StackReport, { wanted }: StackRequest): StackReport {
  return { ...report, programs: report.programs.filter(({ program }) => wanted.has(program)) };
}

async function draw(
  picture: (typeof PICTURES)[number],
  reports: readonly StackReport[],
  { file, facts, profiles }: StackRequest,
  given: Arguments,
  output: Output,
): Promise<void> {
  const { drawDot, drawHtml, drawMermaid, drawReport, reportStack } = await import("@bpfkit/stack");
  const width = given.whole("width", 600, 1600);
  if (picture === "svg" && reports.length > 1) throw usage("--svg draws one profile; --html draws several");
  const whole = (): StackReport => reportStack(facts, profiles[0]!);
  const drawn = {
    svg: () => drawReport(reports[0]!.programs, width),
    html: () => drawHtml(reports, file),
    dot: () => drawDot(whole()),
    mermaid: () => drawMermaid(whole()),
  }[picture]();
  const target = given.text("output");
  if (target === undefined || target === "-") output.line(drawn.trimEnd());
  else writeBytes(target, new TextEncoder().encode(drawn));
}

function printJson(reports: readonly StackReport[], output: Output): void {
  for (const { programs } of reports) {
    for (const { profile, ...report } of programs) {
      const { program, type, ...rest } = report;
      output.object({ program, type, profile: profile.version, arch: profile.arch, ...rest });
    }
  }
  const { arrays, cycles } = reports[0]!;
  output.object({ arrays, cycles });
}

async function printText(reports: readonly StackReport[], output: Output): Promise<void> {
  const { programText, setText, verdictTable } = await import("@bpfkit/stack");
  for (const { programs } of reports.slice(0, 1)) {
    for (const report of programs) {
      const [head, ...lines] = programText(report);
      output.line(output.style(report.verdict === "reject" ? "bad" : "strong", head!));
      for (const line of lines) output.line(line);
      output.line();
    }
  }
  for (const line of setText(reports[0]!)) output.line(output.style("note", line));
  if (reports.length > 1) for (const line of verdictTable(reports)) output.line(line);
}
