import type { ClaimReport, CoverageTable, Finding, FuzzReport } from "@bpfkit/fuzz";
import Table from "cli-table3";
import type { Output } from "../output.js";

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

/** A report in words: what was found, then what was covered. */
export function printReport(report: FuzzReport, file: string | undefined, output: Output): void {
  const { finding, coverage, verdicts, skipped } = report;
  if (finding !== undefined) printFinding(finding, file, output);
  printCoverage(coverage, output);
  for (const { engine, cases, first } of skipped) {
    const { seed, class: kind, program, reason } = first;
    output.line(
      output.style("note", `${cases} cases not on ${engine}; first class ${kind}, seed ${seed}: ${program}: ${reason}`),
    );
  }
  if (verdicts.compared > 0) {
    output.line(`${verdicts.compared} slightly wrong programs judged, ${verdicts.accepted} of them accepted`);
  }
}

/** A report on a verifier's claims in words. */
export function printClaims(
  { counts, coverage, finding }: ClaimReport,
  file: string | undefined,
  output: Output,
): void {
  if (finding !== undefined) printFinding(finding, file, output);
  printCoverage(coverage, output);
  const { programs, accepted, repairs, runs, instructions, compared, confirmed, unjudged } = counts;
  output.line(`${repairs} instructions were taken out for what they were refused for`);
  output.line(
    `${instructions} instructions of ${runs} runs, ${compared} registers held against what is claimed of them`,
  );
  if (confirmed + unjudged > 0)
    output.line(`the kernel accepted ${confirmed} of what is accepted here; of ${unjudged} it said nothing`);
  const text = `${programs} programs, ${accepted} accepted, ${finding === undefined ? "none" : "one"} open`;
  output.line(output.style(finding === undefined ? "good" : "bad", text));
}

function printFinding({ difference, subject }: Finding, file: string | undefined, output: Output): void {
  const { what, left, right } = difference;
  output.line(output.style("bad", `difference in ${what}`));
  const width = Math.max(left.engine.length, right.engine.length, 12);
  for (const { engine, value } of [left, right]) output.line(`  ${engine.padEnd(width)} ${value}`);
  output.line(`  class ${subject.class}, seed ${subject.seed}; shrunk to ${file}`);
}

function printCoverage(table: CoverageTable, output: Output): void {
  const rows = new Table({ head: ["class", "cases", "accepted", "share"], style: { head: [], border: [] } });
  for (const { class: name, cases, accepted } of table.classes) {
    rows.push([name, cases, accepted, percent(cases === 0 ? 0 : accepted / cases)]);
  }
  output.line(rows.toString());
  output.line(
    `${table.programs} programs in ${table.cases} cases, ${table.accepted} accepted; median ${table.medianInstructions} instructions`,
  );
  output.line(
    `with branches and packet access ${percent(table.branchesAndPacket)}, with subprograms ${percent(table.subprograms)}, with tail calls in subprograms ${percent(table.tailCallsInSubprograms)}`,
  );
  const forms = Object.keys(table.instructions).length;
  output.line(
    `${forms} instruction forms; not among them: ${listed(table.missing)}; opcodes missing: ${listed(table.missingOpcodes)}`,
  );
  const helpers = Object.entries(table.helpers).sort(([, one], [, other]) => other - one);
  output.line(`helpers: ${listed(helpers.map(([name, count]) => `${name} ${count}`))}`);
}

const listed = (words: readonly (string | number)[]): string => (words.length === 0 ? "none" : words.join(", "));
