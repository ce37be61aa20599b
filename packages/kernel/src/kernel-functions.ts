import { readFileSync } from "node:fs";
import { type Btf, findByName, parseBtf } from "@bpfkit/btf";
import { KernelError } from "./error.js";

/** The running kernel's own types (`CONFIG_DEBUG_INFO_BTF`). */
const KERNEL_BTF = "/sys/kernel/btf/vmlinux";

let kernelBtf: Btf | undefined;
const found: Map<string, number | undefined> = new Map();

/**
 * The BTF id by which the running kernel knows one of its functions; undefined where it has none of that name.
 * @throws {KernelError} `NOT_AVAILABLE` where the kernel does not show its types.
 */
export function kernelFunctionId(name: string): number | undefined {
  if (!found.has(name)) found.set(name, findByName(readKernelBtf(), name, "func"));
  return found.get(name);
}

function readKernelBtf(): Btf {
  if (kernelBtf !== undefined) return kernelBtf;
  try {
    kernelBtf = parseBtf(readFileSync(KERNEL_BTF));
    return kernelBtf;
  } catch (cause) {
    const what = `${KERNEL_BTF} cannot be read, and kernel functions are found by their types in it; such a kernel is built with CONFIG_DEBUG_INFO_BTF`;
    throw new KernelError("NOT_AVAILABLE", what, {}, { cause });
  }
}
