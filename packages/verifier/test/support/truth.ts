import { existsSync, readFileSync } from "node:fs";
import { inflateSync } from "node:zlib";
import { ATTACH_TYPES, DEFAULT_PROFILE } from "@bpfkit/abi";
import { encodeBtf } from "@bpfkit/btf";
import { type MapSpec, type Program, slotIndex } from "@bpfkit/core";
import type { MapField, VerifyOptions } from "../../src/index.js";

/** Where the recorded answers of Linux 6.18 lie beside a checkout; absent elsewhere. */
export const TRUTH: URL = new URL("../../../../../shared/truth/", import.meta.url);
export const hasTruth: boolean = existsSync(TRUTH);

interface Expectation {
  readonly verdict: "accept" | "reject" | "unknown";
  readonly message?: string;
  readonly errno?: string;
  readonly insnsProcessed?: number;
  readonly stackDepth?: readonly number[];
}

interface MapCase {
  readonly kind?: string;
  readonly type: string;
  readonly keySize: number;
  readonly valueSize: number;
  readonly maxEntries: number;
  readonly flags?: number;
  readonly frozen?: boolean;
  readonly init?: string;
  readonly inner?: MapCase;
  readonly btf?: { readonly fields: readonly { name: string; type: string; offset: number }[] };
}

interface FunctionCase {
  readonly name: string;
  readonly off: number;
  readonly linkage?: "static" | "global";
  readonly args?: readonly string[];
  readonly ret?: string;
}

interface ProgramCase {
  readonly name?: string;
  readonly type: string;
  readonly insns?: string;
  readonly insnsZ?: string;
  readonly flags?: number;
  readonly expectedAttachType?: number;
  readonly mapRefs?: Readonly<Record<string, number>>;
  readonly btfFuncs?: readonly FunctionCase[];
  readonly expect: Expectation;
}

/** One program with the kernel's answer. */
export interface TruthCase {
  readonly id: string;
  readonly group: string;
  readonly program: Program;
  readonly options: VerifyOptions;
  readonly expect: Expectation;
}

/** Reads a file of JSON lines. */
export function readLines<T>(name: string): T[] {
  const text = readFileSync(new URL(name, TRUTH), "utf8");
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as T);
}

const hex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, "hex"));

function fieldsOf({ btf }: MapCase): readonly MapField[] | undefined {
  if (btf === undefined) return undefined;
  return btf.fields.flatMap(({ type, offset }): MapField[] => {
    if (type.includes("bpf_spin_lock")) return [{ kind: "spin_lock", offset, size: 4 }];
    if (type.includes("bpf_timer")) return [{ kind: "timer", offset, size: 16 }];
    const kptr = /struct (\w+) (__kptr\w*)/.exec(type);
    if (kptr === null) return [];
    const kind = kptr[2] === "__kptr" ? "kptr" : "kptr_untrusted";
    return [{ kind, offset, size: 8, struct: kptr[1]!, structSize: 32 }];
  });
}

function specOf(name: string, map: MapCase): MapSpec {
  return {
    name,
    type: map.type,
    keySize: map.keySize,
    valueSize: map.valueSize,
    maxEntries: map.maxEntries,
    flags: map.flags ?? 0,
    ...(map.init === undefined ? {} : { contents: hex(map.init) }),
    ...(map.frozen === true || map.kind === "map_array_ro" ? { frozen: true } : {}),
    ...(map.inner === undefined ? {} : { inner: specOf("", map.inner) }),
  };
}

const BTF_VOID = 0;

/** BTF for functions as a case describes them: `int`, `ctx`, `int*`, `void`. */
function btfOf(functions: readonly FunctionCase[]): { types: Uint8Array; ids: number[] } {
  const types: Parameters<typeof encodeBtf>[0][number][] = [
    { kind: "int", name: "int", size: 4, bits: 32, offset: 0, encoding: 1 },
    { kind: "struct", name: "__sk_buff", size: 4, members: [{ name: "len", type: 1, bitOffset: 0, bitSize: 0 }] },
    { kind: "ptr", name: "", type: 2 },
    { kind: "ptr", name: "", type: 1 },
  ];
  const typeOf = (word: string): number => ({ int: 1, ctx: 3, "int*": 4, void: BTF_VOID })[word] ?? 1;
  const ids: number[] = [];
  for (const { name, args = ["ctx"], ret = "int", linkage = "global" } of functions) {
    const params = args.map((word, index) => ({ name: `a${index}`, type: typeOf(word) }));
    types.push({ kind: "func_proto", name: "", returns: typeOf(ret), params });
    types.push({ kind: "func", name, type: types.length, linkage });
    ids.push(types.length);
  }
  return { types: encodeBtf(types), ids };
}

/** Programs that load a function's address were recorded with function info that the file does not repeat. */
function callbackFunctions(code: Uint8Array): readonly FunctionCase[] | undefined {
  const view = new DataView(code.buffer, code.byteOffset, code.length);
  const starts = new Set<number>();
  let loadsAddress = false;
  for (let slot = 0; slot < code.length / 8; slot++) {
    const src = code[slot * 8 + 1]! >>> 4;
    const isLoad = code[slot * 8] === 0x18;
    if ((isLoad && src === 4) || (code[slot * 8] === 0x85 && src === 1))
      starts.add(slot + 1 + view.getInt32(slot * 8 + 4, true));
    loadsAddress ||= isLoad && src === 4;
    if (isLoad) slot++;
  }
  if (!loadsAddress) return undefined;
  const rows = [...starts]
    .sort((a, b) => a - b)
    .map((off) => ({ name: `f${off}`, off, linkage: "static" as const, args: ["int"] }));
  return [{ name: "main", off: 0 }, ...rows];
}

/** Turns a recorded program into what `verify` takes. `inPlace`: maps are named by the immediates of loads. */
export function toCase(
  id: string,
  group: string,
  recorded: ProgramCase,
  maps: readonly MapCase[],
  inPlace: boolean,
): TruthCase {
  const code =
    recorded.insns === undefined
      ? new Uint8Array(inflateSync(Buffer.from(recorded.insnsZ!, "base64")))
      : hex(recorded.insns);
  const view = new DataView(code.buffer, code.byteOffset, code.length);
  const specs = new Map(maps.map((map, index) => [`m${index}`, specOf(`m${index}`, map)]));
  const fields = new Map(
    maps.flatMap((map, index) => {
      const list = fieldsOf(map);
      return list === undefined ? [] : [[`m${index}`, list] as const];
    }),
  );
  const references: Program["references"][number][] = [];
  for (let slot = 0; slot < code.length / 8; slot++) {
    const src = code[slot * 8 + 1]! >>> 4;
    if (code[slot * 8] !== 0x18) continue;
    const index = inPlace ? view.getInt32(slot * 8 + 4, true) : recorded.mapRefs?.[slot];
    const map = index === undefined ? undefined : `m${index}`;
    if (map !== undefined && specs.has(map) && src === 1) references.push({ kind: "map", slot: slotIndex(slot), map });
    if (map !== undefined && specs.has(map) && src === 2) {
      references.push({ kind: "mapValue", slot: slotIndex(slot), map, offset: view.getInt32(slot * 8 + 12, true) });
    }
    slot++;
  }
  const functions = recorded.btfFuncs ?? (inPlace ? undefined : callbackFunctions(code));
  const btf = functions === undefined ? undefined : btfOf(functions);
  const attach = recorded.expectedAttachType === undefined ? undefined : ATTACH_TYPES[recorded.expectedAttachType];
  return {
    id,
    group,
    expect: recorded.expect,
    options: { maps: specs, mapFields: fields, profile: DEFAULT_PROFILE },
    program: {
      name: recorded.name ?? "main",
      type: recorded.type,
      code,
      license: "GPL",
      references,
      subprograms: (functions ?? []).map(({ name, off, linkage = "static" }) => ({
        name,
        start: slotIndex(off),
        linkage: off === 0 ? "global" : linkage,
      })),
      ...(recorded.flags === undefined ? {} : { flags: recorded.flags }),
      ...(attach === undefined ? {} : { expectedAttachType: attach }),
      ...(btf === undefined
        ? {}
        : {
            btf: {
              types: btf.types,
              functions: functions!.map(({ off }, index) => ({ slot: slotIndex(off), typeId: btf.ids[index]! })),
              lines: new Uint32Array(0),
            },
          }),
    },
  };
}

/** The 690 single programs. */
export function verifierCases(): TruthCase[] {
  type Line = ProgramCase & { id: string; group: string; maps?: MapCase[] };
  return readLines<Line>("verifier-cases.jsonl").map((line) =>
    toCase(line.id, line.group === "" ? "others" : line.group, line, line.maps ?? [], false),
  );
}

/** The programs of the scenarios. */
export function scenarioCases(): TruthCase[] {
  type Line = { id: string; programs: ProgramCase[]; maps?: MapCase[] };
  return readLines<Line>("scenarios.jsonl").flatMap(({ id, programs, maps = [] }) =>
    programs.map((program) => toCase(`${id}/${program.name}`, id[0]!, program, maps, true)),
  );
}
