import type { Kfunc, KfuncRegion } from "@bpfkit/abi";
import { VerifierError } from "./error.js";
import { changeRegisters } from "./references.js";
import { MAYBE_NULL, RCU, UNTRUSTED, withType } from "./register.js";
import { isSleepable, reject, type Verification } from "./verification.js";

function switchRcu(v: Verification, name: string, edge: KfuncRegion["edge"]): void {
  const { state } = v;
  if (edge === "begin") {
    if (state.inRcu) reject(v, "EINVAL", `nested rcu read lock (kernel function ${name})`);
    state.inRcu = true;
    return;
  }
  if (!state.inRcu) reject(v, "EINVAL", `unmatched rcu read unlock (kernel function ${name})`);
  state.inRcu = false;
  // What only RCU kept alive may be gone.
  changeRegisters(state, (r) =>
    (r.type & RCU) === 0 ? r : withType(r, (r.type & ~(RCU | MAYBE_NULL)) | UNTRUSTED, r.id, r.ref),
  );
}

function switchPreemption(v: Verification, name: string, edge: KfuncRegion["edge"]): void {
  const { state } = v;
  if (edge === "begin") state.preemptDisabled++;
  else if (state.preemptDisabled > 0) state.preemptDisabled--;
  else reject(v, "EINVAL", `unmatched attempt to enable preemption (kernel function ${name})`);
}

/**
 * A kernel function that begins or ends a region under RCU or without preemption. What sleepable programs may not do in one
 * is not known here.
 * @throws {VerifierError} `UNSUPPORTED` for a sleepable program.
 */
export function switchRegion(v: Verification, { name }: Kfunc, { kind, edge }: KfuncRegion): void {
  if (isSleepable(v)) {
    const what = `a call of kernel function ${name} in a sleepable program, which is not followed`;
    throw new VerifierError("UNSUPPORTED", what, { program: v.program.name, slot: v.slot });
  }
  if (kind === "rcu") switchRcu(v, name, edge);
  else switchPreemption(v, name, edge);
}
