import type { Kfunc } from "@bpfkit/abi";
import { clearCallerSaved } from "./calls.js";
import type { CalledKfunc } from "./code.js";
import { VerifierError } from "./error.js";
import { checkArgumentOffset } from "./helper-arguments.js";
import { type IteratorUse, processIterator, stepIterator } from "./iterator.js";
import { isGplCompatible } from "./license.js";
import { CALL_KFUNC } from "./opcode.js";
import { switchRegion } from "./regions.js";
import { SCALAR, UNINITIALISED, UNKNOWN_SCALAR } from "./register.js";
import { reg, reject, setReg, since, type Verification, versionNumber } from "./verification.js";

/** What is known of the kernel function a slot calls. @throws {VerifierError} `UNSUPPORTED` where that is nothing. */
function factsAt(v: Verification): Kfunc {
  const called: CalledKfunc | undefined = v.code.kfuncs.get(v.slot);
  const place = { program: v.program.name, slot: v.slot };
  if (called === undefined) {
    const what = `a call of a kernel function by BTF id ${v.code.imm[v.slot]}, which only one kernel knows; name it`;
    throw new VerifierError("UNSUPPORTED", what, place);
  }
  if (called.facts === undefined) {
    throw new VerifierError("UNSUPPORTED", `a call of kernel function ${called.name}, which is not followed`, place);
  }
  return called.facts;
}

/** Refuses calls of kernel functions where the program may make none (Linux `add_kfunc_call`). */
export function checkKfuncs(v: Verification): void {
  const { code } = v;
  for (const [slot, { name, facts, weak }] of code.kfuncs) {
    if (code.src[slot] !== CALL_KFUNC) continue;
    if (!isGplCompatible(v.program)) {
      reject(v, "EINVAL", "cannot call kernel function from non-GPL compatible program");
    }
    // The loader finds it missing before the kernel is asked (libbpf `bpf_object__resolve_ksym_func_btf_id`).
    if (facts !== undefined && !weak && !since(v, versionNumber(facts.since))) {
      reject(v, "EINVAL", `extern (func ksym) '${name}': not found in kernel or module BTFs`);
    }
  }
}

/** Whether a call at the current slot may be made while a spin lock is held. */
export const isSpinAllowed = (v: Verification): boolean => v.code.kfuncs.get(v.slot)?.facts?.spinAllowed === true;

function checkArguments(v: Verification, { args, iterator }: Kfunc): IteratorUse {
  let use: IteratorUse;
  args.forEach((kind, index) => {
    const number = index + 1;
    const r = reg(v, number);
    v.scratchedRegisters |= 1 << number;
    if (kind === "scalar") {
      if (r.type !== SCALAR) reject(v, "EINVAL", `R${number} is not a scalar`);
      return;
    }
    checkArgumentOffset(v, number, false);
    if (iterator !== undefined) use = processIterator(v, number, iterator);
  });
  return use;
}

/** A call of a kernel function (Linux `check_kfunc_call`). */
export function callKfunc(v: Verification): void {
  const kfunc = factsAt(v);
  if (!since(v, versionNumber(kfunc.since))) {
    reject(v, "EINVAL", `kfunc '${kfunc.name}' is referenced but wasn't resolved`);
  }
  const use = checkArguments(v, kfunc);
  if (kfunc.region !== undefined) switchRegion(v, kfunc, kfunc.region);
  clearCallerSaved(v);
  setReg(v, 0, kfunc.returns === "integer" ? UNKNOWN_SCALAR : UNINITIALISED);
  if (kfunc.iterator?.role === "next" && use !== undefined) stepIterator(v, use);
  v.slot++;
}
