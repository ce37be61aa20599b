import type { ProgramBtf } from "@bpfkit/core";
import { reject, type Verification } from "./verification.js";

/** Function info must begin at slot 0 and ascend (`check_btf_func_early`, kernel/bpf/verifier.c). */
export function checkFunctionInfoOrder(v: Verification, functions: ProgramBtf["functions"]): void {
  functions.forEach(({ slot }, index) => {
    const previous = functions[index - 1]?.slot;
    if (previous === undefined) {
      if (slot !== 0) reject(v, "EINVAL", `nonzero insn_off ${slot} for the first func info record`);
    } else if (slot <= previous) {
      reject(v, "EINVAL", `same or smaller insn offset (${slot}) than previous func info record (${previous})`);
    }
  });
}

/** Once subprograms are known, there must be a record for each, where it begins (`check_btf_func`). */
export function checkFunctionInfoPlaces(v: Verification, functions: ProgramBtf["functions"]): void {
  if (functions.length !== v.subprograms.length) {
    reject(v, "EINVAL", "number of funcs in func_info doesn't match number of subprogs");
  }
  if (functions.some(({ slot }, index) => slot !== v.subprograms[index]!.start)) {
    reject(v, "EINVAL", "func_info BTF section doesn't match subprog layout in BPF program");
  }
}
