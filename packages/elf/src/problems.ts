import type { BtfErrorCode } from "@bpfkit/btf";
import { type BpfkitError, isBpfkitError, type Place } from "@bpfkit/core";
import type { Budget } from "./budget.js";
import type { ElfErrorCode } from "./error.js";

/** Something of an object that cannot be described, as plain data; the rest of the object is not affected. */
export interface ObjectProblem {
  readonly code: ElfErrorCode | BtfErrorCode;
  /** One line: where, what, and what would be right. */
  readonly message: string;
  readonly place: Place;
  /** The entry that is not among the programs because of it. */
  readonly program?: string;
  /** The map that is not among the maps because of it, or lacks a slot. */
  readonly map?: string;
}

/** Collects problems while an object is read. */
export class Problems {
  readonly list: ObjectProblem[] = [];
  readonly #budget: Budget;

  constructor(budget: Budget) {
    this.#budget = budget;
  }

  add(error: BpfkitError, about: { readonly program?: string; readonly map?: string } = {}): void {
    const { code, message, place } = error;
    this.#budget.charge(message.length);
    this.list.push({ code: code as ObjectProblem["code"], message, place, ...about });
  }

  /** Runs a step; an error of it becomes a problem. What is out of proportion ends the whole object. */
  attempt<T>(step: () => T, about: { readonly program?: string; readonly map?: string } = {}): T | undefined {
    try {
      return step();
    } catch (error) {
      if (!isBpfkitError(error) || error.code === "TOO_LARGE") throw error;
      this.#budget.chargeProblem();
      this.add(error, about);
      return undefined;
    }
  }
}
