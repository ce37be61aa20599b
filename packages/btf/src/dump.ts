import { type Declarer, declareWith, TextBudget } from "./declare.js";
import { typeById } from "./decode.js";
import { btfError } from "./error.js";
import { MAX_DEPTH, sizeOf, tooDeep } from "./lookup.js";
import type { Btf } from "./parse.js";
import type { BtfComposite, BtfDatasec, BtfEnum, BtfEnum64, BtfMember } from "./type.js";

/** How definitions are printed. */
export interface DumpOptions {
  /** Adds a comment with offset and size to each member and one where bytes are unused. */
  readonly layout?: boolean;
}

/** The column layout comments begin at. */
const COMMENT_COLUMN = 40;

/**
 * A type's C definition: `struct foo { … };` with all of its members, `enum`, `typedef`, a function's or a variable's
 * declaration, a section's variables. Types inside are named, those without a name are written out.
 * @throws {BtfError} where the type or one inside is damaged, `WRONG_KIND` where C has no definition for it (a pointer),
 *   `TOO_LARGE` past 4 million characters.
 */
export function dumpType(btf: Btf, id: number, options: DumpOptions = {}): string {
  const declarer = declarerOf(btf, options);
  const type = typeById(btf, id);
  switch (type.kind) {
    case "struct":
    case "union":
    case "enum":
    case "enum64":
      return `${declarer.body(id, 0)};`;
    case "fwd":
      return `${type.of} ${type.name};`;
    case "typedef":
      return `typedef ${declareWith(declarer, type.type, type.name, 0)};`;
    case "func":
      return `${type.linkage === "global" ? "" : `${type.linkage} `}${declareWith(declarer, type.type, type.name, 0)};`;
    case "var":
      return `${type.linkage === "global" ? "" : `${type.linkage} `}${declareWith(declarer, type.type, type.name, 0)};`;
    case "datasec":
      return sectionText(declarer, type, options);
    default:
      throw btfError("WRONG_KIND", `type ${id} is a ${type.kind}, which has no definition in C; see typeName`);
  }
}

/** All definitions in order of their ids: each struct, union, enum, typedef, function and variable that has a name. */
export function* dumpTypes(
  btf: Btf,
  options: DumpOptions = {},
): Generator<{ readonly id: number; readonly text: string }> {
  for (let id = 1; id < btf.typeCount; id++) {
    const type = typeById(btf, id);
    if (DEFINED.has(type.kind) && type.name !== "") yield { id, text: dumpType(btf, id, options) };
  }
}

const DEFINED: ReadonlySet<string> = new Set(["struct", "union", "enum", "enum64", "fwd", "typedef", "func", "var"]);

/** A type as C writes it in a declaration: `struct foo *`, `int (*)(void *)`; `name` puts a name into it. */
export function typeName(btf: Btf, id: number, name = ""): string {
  return declareWith(declarerOf(btf, {}), id, name, 0);
}

function declarerOf(btf: Btf, options: DumpOptions): Declarer {
  const declarer: Declarer = {
    btf,
    budget: new TextBudget(),
    body: (id, depth) => bodyText(declarer, id, depth, options),
  };
  return declarer;
}

/** `struct foo { … }` without the semicolon. */
function bodyText(declarer: Declarer, id: number, depth: number, options: DumpOptions): string {
  if (depth > MAX_DEPTH) throw tooDeep(id);
  const type = typeById(declarer.btf, id);
  if (type.kind !== "struct" && type.kind !== "union") return enumText(declarer, type as BtfEnum | BtfEnum64);
  const head = type.name === "" ? type.kind : `${type.kind} ${type.name}`;
  const lines = memberLines(declarer, type, depth, options);
  if (lines.length === 0) return declarer.budget.charge(`${head} {}`);
  const body = lines.map((line) => `\t${line.replaceAll("\n", "\n\t")}\n`).join("");
  return declarer.budget.charge(
    `${head} {\n${body}}${options.layout && depth === 0 ? ` /* ${type.size} bytes */` : ""}`,
  );
}

function memberLines(declarer: Declarer, type: BtfComposite, depth: number, options: DumpOptions): string[] {
  const lines: string[] = [];
  let end = 0;
  const hole = (until: number): void => {
    if (options.layout && type.kind === "struct" && until > end) lines.push(`/* ${bits(until - end)} unused */`);
  };
  for (const member of type.members) {
    hole(member.bitOffset);
    const text = `${declareWith(declarer, member.type, member.name, depth + 1)}${bitfield(member)};`;
    const size = member.bitSize || sizeOf(declarer.btf, member.type) * 8;
    lines.push(
      options.layout ? `${text.padEnd(COMMENT_COLUMN)} /* offset ${bits(member.bitOffset)}, ${bits(size)} */` : text,
    );
    end = Math.max(end, member.bitOffset + size);
  }
  hole(type.size * 8);
  return lines;
}

const bitfield = (member: BtfMember): string => (member.bitSize === 0 ? "" : `: ${member.bitSize}`);

/** A number of bits in words: `4 bytes`, `3 bits`, `1 bytes 3 bits`. */
function bits(count: number): string {
  const bytes = `${Math.floor(count / 8)} bytes`;
  if (count % 8 === 0) return bytes;
  return count < 8 ? `${count} bits` : `${bytes} ${count % 8} bits`;
}

function enumText(declarer: Declarer, type: BtfEnum | BtfEnum64): string {
  const head = type.name === "" ? "enum" : `enum ${type.name}`;
  const suffix = type.kind === "enum" ? "" : type.signed ? "LL" : "ULL";
  const lines = type.values.map(({ name, value }) => declarer.budget.charge(`\t${name} = ${value}${suffix},\n`));
  return `${head} {\n${lines.join("")}}`;
}

function sectionText(declarer: Declarer, type: BtfDatasec, options: DumpOptions): string {
  const lines = type.variables.map(({ type: id, offset, size }) => {
    const variable = typeById(declarer.btf, id);
    const target = variable.kind === "var" ? variable.type : id;
    const text = `${declareWith(declarer, target, variable.name, 0)};`;
    return options.layout
      ? `${text.padEnd(COMMENT_COLUMN)} /* offset ${bits(offset * 8)}, ${bits(size * 8)} */\n`
      : `${text}\n`;
  });
  return `/* section ${type.name} */\n${lines.join("")}`;
}
