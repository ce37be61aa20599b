import { type MapSpec, type Program, type Reference, slotIndex } from "@bpfkit/core";
import { decodeSlots } from "@bpfkit/isa";
import type { StackInput } from "@bpfkit/stack";
import { fromHex, programFromCode } from "@bpfkit/vm";

/** A function of a case's BTF function info. */
interface CaseFunction {
  readonly name: string;
  readonly off: number;
  readonly linkage?: "static" | "global";
  readonly ret?: string;
}

/** What of a recorded case the stack analysis reads. */
export interface StackCase {
  readonly id: string;
  readonly title: string;
  readonly maps?: readonly Omit<MapSpec, "name" | "flags">[];
  readonly programs: readonly {
    readonly name: string;
    readonly type: string;
    readonly insns?: string;
    readonly expectedAttachType?: string;
    readonly btfFuncs?: readonly CaseFunction[];
    readonly expect?: {
      readonly verdict: "accept" | "reject";
      readonly errno?: string;
      readonly message?: string;
      readonly stackDepth?: readonly number[];
    };
  }[];
  readonly slots?: readonly { readonly map: number; readonly index: number; readonly program?: string | null }[];
}

/** The programs and maps of a case; the slots its program arrays get first are their members. */
export function stackInput(stackCase: StackCase): StackInput {
  const maps = (stackCase.maps ?? []).map((map, index) => ({
    ...map,
    name: `map${index}`,
    flags: 0,
    slots: (stackCase.slots ?? [])
      .filter((slot) => slot.map === index && typeof slot.program === "string")
      .map((slot) => ({ index: slot.index, of: "program" as const, name: slot.program as string })),
  }));
  const returns = new Map<string, (string | undefined)[]>();
  const programs = stackCase.programs.map((text) => {
    const program = caseProgram(text);
    returns.set(
      program.name,
      program.subprograms.map(({ start }) => text.btfFuncs?.find(({ off }) => off === start)?.ret),
    );
    return program;
  });
  const returnsInt = ({ name }: Program, index: number): boolean | undefined => {
    const type = returns.get(name)?.[index];
    return type === undefined ? undefined : type === "int";
  };
  return { programs, maps, returnsInt };
}

function caseProgram({ name, type, insns, expectedAttachType, btfFuncs }: StackCase["programs"][number]): Program {
  const code = fromHex(insns ?? "", "insns");
  const program = programFromCode(code, { name, type, references: mapReferences(code) });
  const subprograms = program.subprograms.map((subprogram) => {
    const known = btfFuncs?.find(({ off }) => off === subprogram.start);
    return known === undefined ? subprogram : { ...subprogram, linkage: known.linkage ?? "static" };
  });
  return {
    ...program,
    subprograms,
    ...(expectedAttachType === undefined ? {} : { expectedAttachType }),
    ...(btfFuncs === undefined
      ? {}
      : {
          btf: {
            types: new Uint8Array(),
            functions: btfFuncs.map(({ off }, index) => ({ slot: slotIndex(off), typeId: index + 1 })),
            lines: new Uint32Array(),
          },
        }),
  };
}

/** A 64-bit load with source register 1 or 2 holds the index of its map. */
function mapReferences(code: Uint8Array): Reference[] {
  const { length, src, imm } = decodeSlots(code);
  const references: Reference[] = [];
  for (let slot = 0; slot < length; slot++) {
    if (code[slot * 8] !== 0x18) continue;
    const map = `map${imm[slot]}`;
    if (src[slot] === 1) references.push({ kind: "map", slot: slotIndex(slot), map });
    if (src[slot] === 2) references.push({ kind: "mapValue", slot: slotIndex(slot), map, offset: imm[slot + 1]! });
    slot++;
  }
  return references;
}
