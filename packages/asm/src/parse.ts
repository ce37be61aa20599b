import { takeKernelStatement } from "./kernel-statement.js";
import { Lexer } from "./lexer.js";
import { type Assembly, Output } from "./output.js";
import { takeUbpfStatement } from "./ubpf-statement.js";

/** `kernel`: `r1 += r2`, as the kernel and LLVM print it. `ubpf`: `add %r1, %r2`. */
export type Syntax = "kernel" | "ubpf";

export interface ParseOptions {
  /** `kernel` where left out. */
  readonly syntax?: Syntax;
  /** The id of a helper by its name as written; undefined where there is none of that name. */
  readonly helperId?: (name: string) => number | undefined;
}

const STATEMENTS = { kernel: takeKernelStatement, ubpf: takeUbpfStatement } as const;

/**
 * Assembles text. Statements end at a newline or a semicolon; `#`, `//` and `/* *\/` are comments; `name:` is a label, alone
 * or before a statement. Calls go to a label of that name, else to a helper. Jump targets are not checked: `goto +5` may
 * leave the code, and `.raw` takes any bytes.
 * @throws {AsmError} at the first thing that is wrong, with its line and column.
 */
export function parse(text: string, options: ParseOptions = {}): Assembly {
  const { syntax = "kernel", helperId = () => undefined } = options;
  const statement = STATEMENTS[syntax];
  const lexer = new Lexer(text);
  const output = new Output(lexer);
  while (true) {
    const { kind, text: word, at } = lexer.peek();
    if (kind === "end") {
      if (word === "") return output.finish(helperId);
      lexer.take();
    } else if (lexer.labelAhead()) {
      lexer.take();
      lexer.expect(":");
      output.label(word, at);
    } else {
      const { line } = lexer;
      output.append(statement(lexer, output), line);
      if (lexer.peek().kind !== "end") lexer.fail("the end of the statement");
    }
  }
}
