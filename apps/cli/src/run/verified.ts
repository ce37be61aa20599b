import type { Program } from "@bpfkit/core";
import type { Vm } from "@bpfkit/vm";
import { CliError } from "../errors.js";
import type { Output } from "../output.js";

/**
 * Asks the verifier about a program and all that its program arrays hold, and puts them into `accepted`.
 * @throws {CliError} `REFUSED` at the first that is rejected, after saying so as an object under `--json`.
 */
export function mustBeAccepted(
  program: Program,
  vm: Vm,
  memorySize: number,
  accepted: Set<Program>,
  output: Output,
): void {
  for (const one of vm.reachable(program)) {
    const { verdict, errno, message } = vm.verify(one, { facts: false, memorySize });
    if (verdict === "accept") {
      accepted.add(one);
      continue;
    }
    if (output.json) output.object({ program: one.name, type: one.type, verdict, errno, message });
    const what = `the verifier rejects it, ${errno}: ${(message ?? "").replaceAll("\n", "; ")}`;
    throw new CliError("REFUSED", `${what} (bpfkit verify --explain says more, --no-verify runs it all the same)`, {
      program: one.name,
    });
  }
}
