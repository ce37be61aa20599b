import { X64Error } from "./error.js";
import { FORMS, type FormName } from "./forms.js";

/** What an operand of a form may be. */
export type OperandKind = "register" | "memory" | "register-or-memory" | "immediate";

/** Legacy encoding, or VEX with its L bit 0. */
export type Encoding = "legacy" | "vex";

/** A row of `FORMS` taken apart, ready to encode. Operand numbers (`rm`, `reg`, …) count from 0; -1 where there is none. */
export interface Form {
  readonly name: FormName;
  readonly encoding: Encoding;
  /** Explicit operands in order. */
  readonly operands: readonly OperandKind[];
  /** Legacy prefix bytes before REX. */
  readonly prefixes: readonly number[];
  readonly rexW: boolean;
  /** Opcode bytes after REX, escape bytes included; for VEX the last byte alone. */
  readonly opcode: readonly number[];
  /** The opcode's second byte of VEX without R, X, B; its third without vvvv. */
  readonly vex: readonly [number, number];
  /** Operand in ModRM.rm. */
  readonly rm: number;
  /** Operand in ModRM.reg. */
  readonly reg: number;
  /** Operand in the low 3 bits of the opcode. */
  readonly plus: number;
  /** Operand in VEX.vvvv. */
  readonly vvvv: number;
  readonly immediate: number;
  /** ModRM.reg where no operand is there; -1 where there is no ModRM or an operand is. */
  readonly digit: number;
  /** Bytes of the immediate; 0, 1, 2, 4 or 8. */
  readonly immediateBytes: number;
  /** Smallest and largest immediate; wider fields take both signs of their width. */
  readonly immediateMin: number;
  readonly immediateMax: number;
  /** Operands that are read or written as one byte: registers 4–7 then need a REX prefix. */
  readonly byteOperands: readonly boolean[];
}

const IMPLICIT = new Set(["cl", "eax", "rax", "1"]);
const IMMEDIATE_BYTES: Readonly<Record<string, number>> = { ib: 1, iw: 2, id: 4, io: 8 };
const PREFIXES = new Set(["66", "F0", "F2", "F3"]);
const VEX_MAP: Readonly<Record<string, number>> = { "0F": 1, "0F38": 2, "0F3A": 3 };
const VEX_PREFIX: Readonly<Record<string, number>> = { "66": 1, F3: 2, F2: 3 };

function kindOf(operand: string): OperandKind {
  if (operand.startsWith("r/m")) return "register-or-memory";
  if (operand.startsWith("imm") || operand.startsWith("moffs")) return "immediate";
  return operand.startsWith("m") ? "memory" : "register";
}

/** Immediates of an operation wider than the field are sign-extended; others may be given signed or unsigned. */
function immediateRange(tokens: readonly string[], bytes: number, rexW: boolean): [number, number] {
  if (bytes === 0 || bytes === 8) return [0, 0];
  const extended = bytes === 1 ? ["83", "6A", "6B"].some((byte) => tokens.includes(byte)) : tokens.includes("68");
  const max = 2 ** (8 * bytes);
  return [-max / 2, extended || (rexW && bytes === 4) ? max / 2 - 1 : max - 1];
}

/** Which operand stands where: `/r` puts registers in ModRM.reg (and VEX.vvvv), `+rd` in the opcode. */
function roles(kinds: readonly OperandKind[], tokens: readonly string[]): Pick<Form, "rm" | "reg" | "plus" | "vvvv"> {
  const registers = kinds.flatMap((kind, at) => (kind === "register" ? [at] : []));
  const rm = kinds.findIndex((kind) => kind === "memory" || kind === "register-or-memory");
  if (tokens.some((token) => token.endsWith("+rd"))) return { rm, reg: -1, plus: registers[0]!, vvvv: -1 };
  if (tokens.includes("/r")) return { rm, reg: registers[0]!, plus: -1, vvvv: registers[1] ?? -1 };
  // A group opcode (/digit) whose operand can only be a register still holds it in ModRM.rm.
  return {
    rm: rm < 0 && tokens.some((token) => token.startsWith("/")) ? registers[0]! : rm,
    reg: -1,
    plus: -1,
    vvvv: -1,
  };
}

function vexBytes(token: string | undefined): [number, number] {
  if (token === undefined) return [0, 0];
  const [, , prefix, map, w] = token.split(".");
  return [VEX_MAP[map!]!, (w === "W1" ? 0x80 : 0) | VEX_PREFIX[prefix!]!];
}

function parse(name: FormName): Form {
  const [, , rest = ""] = /^((?:lock |rep )?\S+) ?(.*)$/.exec(name)!;
  const explicit = rest.split(", ").filter((operand) => operand !== "" && !IMPLICIT.has(operand));
  const operands = explicit.map(kindOf);
  const tokens = FORMS[name].split(" ");
  const vex = tokens.find((token) => token.startsWith("VEX"));
  const bytes = tokens.filter((token) => /^[0-9A-F]{2}(\+rd)?$/.test(token));
  // Only leading bytes are prefixes, and the last byte is always opcode: `F3 90` is one of each.
  const firstOpcode = bytes.findIndex((token, at) => !PREFIXES.has(token) || at === bytes.length - 1);
  const digit = tokens.find((token) => /^\/\d$/.test(token));
  const immediateBytes = IMMEDIATE_BYTES[tokens.at(-1)!] ?? 0;
  const rexW = tokens.includes("REX.W");
  const [immediateMin, immediateMax] = immediateRange(tokens, immediateBytes, rexW);
  return {
    name,
    encoding: vex === undefined ? "legacy" : "vex",
    operands,
    prefixes: bytes.slice(0, firstOpcode).map((token) => Number.parseInt(token, 16)),
    rexW,
    opcode: bytes.slice(firstOpcode).map((token) => Number.parseInt(token, 16)),
    vex: vexBytes(vex),
    ...roles(operands, tokens),
    immediate: operands.indexOf("immediate"),
    digit: digit === undefined ? -1 : Number(digit[1]),
    immediateBytes,
    immediateMin,
    immediateMax,
    byteOperands: explicit.map((operand) => operand === "r8" || operand === "r/m8"),
  };
}

const parsed = new Map<string, Form>((Object.keys(FORMS) as FormName[]).map((name) => [name, parse(name)]));

/**
 * A form by its name in `FORMS`. Look forms up once, not for each instruction.
 * @throws {X64Error} `UNKNOWN_FORM`.
 */
export function form(name: FormName): Form {
  const found = parsed.get(name);
  if (found === undefined) throw new X64Error("UNKNOWN_FORM", `there is no form \`${name}\` in FORMS`);
  return found;
}
