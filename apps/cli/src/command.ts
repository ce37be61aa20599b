import type { Arguments } from "./arguments.js";
import type { Output } from "./output.js";

/** An option of a command. */
export interface Option {
  /** `flag`: given or not. `text`: one value. `list`: may be given several times. Values are strings until a command reads them. */
  readonly kind: "flag" | "text" | "list";
  readonly description: string;
  /** How help calls the value: `FILE`, `N`. */
  readonly value?: string;
  /** One letter that means the same. */
  readonly short?: string;
}

/** What a file of `commands/` exports as `command`. */
export interface Command {
  /** What stands behind the command's name: `<file>`, `<file…>`. */
  readonly positionals: string;
  /** How many positional arguments there may be. */
  readonly count: readonly [least: number, most: number];
  readonly options: Readonly<Record<string, Option>>;
  /** Command lines that help shows. */
  readonly examples?: readonly string[];
  /** Does it; gives the exit status. What it throws becomes one line on standard error. */
  run(given: Arguments, output: Output): Promise<number> | number;
}
