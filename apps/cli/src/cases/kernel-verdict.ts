import { KernelSession, kernelSessionOf } from "@bpfkit/kernel";
import type { CaseOptions } from "@bpfkit/vm";

/** The running kernel's verdict on a program, over the maps that the VM has there. */
export const kernelVerdict: NonNullable<CaseOptions["verify"]> = (program, { maps }) => {
  const session = kernelSessionOf(maps) ?? new KernelSession();
  session.retain();
  try {
    return session.verdict(program);
  } finally {
    session.release();
  }
};
