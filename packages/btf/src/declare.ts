import { typeById } from "./decode.js";
import { btfError } from "./error.js";
import { MAX_DEPTH, tooDeep } from "./lookup.js";
import type { Btf } from "./parse.js";
import type { BtfType } from "./type.js";

/** Prints the body of a type that has no name; set by the printer of definitions. */
export type PrintBody = (id: number, depth: number) => string;

/** Characters one text may have: hostile types can name each other so that it doubles with every level. */
const MAX_CHARACTERS = 1 << 22;

/** What one printed text has used up. */
export class TextBudget {
  #left = MAX_CHARACTERS;

  charge(text: string): string {
    this.#left -= text.length + 1;
    if (this.#left < 0) throw btfError("TOO_LARGE", `the text would have more than ${MAX_CHARACTERS} characters`);
    return text;
  }
}

/** How a declaration is printed. */
export interface Declarer {
  readonly btf: Btf;
  readonly budget: TextBudget;
  readonly body: PrintBody;
}

/**
 * The C declaration of `inner` (a name, empty, or a part built so far) with a type: C writes it from the name outwards,
 * so each step wraps `inner` and goes on to the type it refers to.
 */
export function declareWith(declarer: Declarer, id: number, inner: string, depth: number): string {
  if (depth > MAX_DEPTH) throw tooDeep(id);
  const type = typeById(declarer.btf, id);
  const next = (target: number, text: string): string => declareWith(declarer, target, text, depth + 1);
  switch (type.kind) {
    case "ptr":
      return next(type.type, wrapsInner(declarer.btf, type.type) ? `(*${inner})` : `*${inner}`);
    case "array":
      return next(type.type, `${inner}[${type.length}]`);
    case "func_proto":
      return next(type.returns, `${inner}(${parameters(declarer, type.params, depth)})`);
    case "const":
    case "volatile":
    case "restrict":
    case "type_tag": {
      const word = type.kind === "type_tag" ? `__attribute__((btf_type_tag("${type.name}")))` : type.kind;
      if (targetKind(declarer.btf, type.type) !== "ptr") return prefixed(word, next(type.type, inner));
      return next(type.type, ` ${word}${inner === "" || inner.startsWith(" ") ? inner : ` ${inner}`}`);
    }
    default: {
      const name = baseName(declarer, type, id, depth);
      return declarer.budget.charge(inner === "" ? name : `${name} ${inner.trimStart()}`);
    }
  }
}

/** A qualifier once: a const array's elements are const too. */
const prefixed = (word: string, text: string): string => (text.startsWith(`${word} `) ? text : `${word} ${text}`);

function parameters(declarer: Declarer, params: readonly { name: string; type: number }[], depth: number): string {
  if (params.length === 0) return "void";
  const texts = params.map(({ name, type }, index) =>
    type === 0 && name === "" && index === params.length - 1 && index > 0
      ? "..."
      : declareWith(declarer, type, name, depth + 1),
  );
  return texts.join(", ");
}

/** Whether a pointer's `*` needs brackets, because what it points to is written behind the name. */
function wrapsInner(btf: Btf, id: number): boolean {
  const kind = targetKind(btf, id);
  return kind === "array" || kind === "func_proto";
}

/** The kind behind qualifiers and type tags (not typedefs, which C names). */
function targetKind(btf: Btf, id: number): BtfType["kind"] {
  for (let depth = 0, at = id; depth <= MAX_DEPTH; depth++) {
    const type = typeById(btf, at);
    if (!QUALIFIERS.has(type.kind) || !("type" in type)) return type.kind;
    at = type.type;
  }
  throw tooDeep(id);
}

const QUALIFIERS: ReadonlySet<string> = new Set(["const", "volatile", "restrict", "type_tag"]);

function baseName(declarer: Declarer, type: BtfType, id: number, depth: number): string {
  switch (type.kind) {
    case "void":
      return "void";
    case "int":
    case "float":
    case "typedef":
      return type.name;
    case "fwd":
      return `${type.of} ${type.name}`;
    case "struct":
    case "union":
    case "enum":
    case "enum64":
      return type.name === "" ? declarer.body(id, depth + 1) : `${type.kind.replace("64", "")} ${type.name}`;
    default:
      throw btfError("DAMAGED", `type ${id} (${type.kind} ${type.name}) cannot be the type of a value`);
  }
}
