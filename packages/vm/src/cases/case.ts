import type { SignatureType } from "@bpfkit/btf";
/*
 * Declarative tests as data, after they were checked (`schema.ts` is the check). Sizes are in bytes, bytes are hex.
 * `| undefined` stands where the check passes a missing field through.
 */

/** What loading a program is expected to say. */
export interface CaseVerdict {
  readonly verdict?: "accept" | "reject" | "unknown" | undefined;
  readonly message?: string | undefined;
  readonly errno?: string | undefined;
  /** Bytes of each subprogram, in order. */
  readonly stackDepth?: readonly number[] | undefined;
  /** Instructions the kernel's verifier processed; kept for reading, not compared. */
  readonly insnsProcessed?: number | undefined;
  /** The verifier's whole log, level 1; kept for reading, not compared. */
  readonly log?: string | undefined;
  /** Why the recorded answer is no verdict. */
  readonly why?: string | undefined;
}

/** A program's code and how it is loaded. */
export interface CaseCode {
  readonly type: string;
  readonly asm?: string | null | undefined;
  readonly insns?: string | null | undefined;
  /** The same as base64 of zlib, for huge programs. */
  readonly insnsZ?: string | null | undefined;
  /** A name, or the kernel's number. */
  readonly expectedAttachType?: string | number | undefined;
  readonly flags?: number | undefined;
  readonly license?: string | undefined;
}

/** A function of a program as BTF describes it. */
export interface CaseFunction {
  readonly name: string;
  /** Slot. */
  readonly off: number;
  readonly linkage?: "static" | "global" | undefined;
  readonly args?: readonly SignatureType[] | undefined;
  readonly ret?: SignatureType | undefined;
}

export interface CaseProgram extends CaseCode {
  readonly name: string;
  readonly btfFuncs?: readonly CaseFunction[] | undefined;
  readonly expect?: CaseVerdict | undefined;
}

export interface CaseInnerMap {
  readonly type: string;
  readonly keySize: number;
  readonly valueSize: number;
  readonly maxEntries: number;
  readonly flags?: number | undefined;
}

export interface CaseValueType {
  readonly struct?: string | undefined;
  readonly size?: number | undefined;
  readonly fields: readonly { readonly name: string; readonly type: string; readonly offset: number }[];
}

export interface CaseMap extends CaseInnerMap {
  readonly name?: string | undefined;
  readonly inner?: CaseInnerMap | undefined;
  /** The value of key 0. */
  readonly init?: string | undefined;
  readonly frozen?: boolean | undefined;
  /** Which fixture of a suite a recorded map is. */
  readonly kind?: string | undefined;
  /** The type of its value: C types and offsets of what is special in it. */
  readonly btf?: CaseValueType | undefined;
  /** By index: `ret N`, a program that returns N, or `loop pN`, one that tail-calls slot 1 of the same array. */
  readonly slots?: Readonly<Record<string, string>> | undefined;
}

/** A change of a program array and the answer to it; `map` is an index into the case's maps, or a name. */
export interface CaseSlot {
  readonly map: number | string;
  readonly index: number | string;
  readonly program?: string | null | undefined;
  readonly delete?: boolean | undefined;
  readonly flags?: number | undefined;
  /** `ok`, or the errno's name. */
  readonly expect?: string | undefined;
}

export interface CaseInit {
  readonly map: number | string;
  readonly key: string;
  readonly value?: string | undefined;
  readonly values?: readonly string[] | undefined;
}

/** What a run is expected to come to; what is left out is not compared. */
export interface CaseOutcome {
  /** The low 32 bits of r0; or what the kernel answered instead, `error 524`. */
  readonly retval?: number | string | undefined;
  readonly r0?: number | string | undefined;
  readonly action?: string | undefined;
  readonly dataOut?: string | undefined;
  readonly ctx?: Readonly<Record<string, number | string>> | undefined;
  /** A kind of fault, or true for any. */
  readonly fault?: string | boolean | undefined;
}

export interface CaseRun {
  /** The first program where left out. */
  readonly program?: string | undefined;
  /** 64 zero bytes where left out. */
  readonly data?: string | undefined;
  readonly repeat?: number | undefined;
  readonly ctx?: Readonly<Record<string, number | string>> | undefined;
  readonly slots?: readonly CaseSlot[] | undefined;
  readonly init?: readonly CaseInit[] | undefined;
  readonly expect?: CaseOutcome | undefined;
}

export interface CaseRead {
  readonly map: number | string;
  readonly key?: string | undefined;
  /** The value under `key`; each CPU's where it is per CPU; the name of a program or an inner map; null: no such entry. */
  readonly expect?: string | readonly string[] | null | undefined;
  readonly records?: readonly string[] | undefined;
  readonly items?: readonly string[] | undefined;
  readonly count?: number | undefined;
  /** Read after this run (0-based); after all of them where left out. */
  readonly after?: number | undefined;
}

/** A profile to run under: the named version's, with what is said otherwise. */
export interface CaseProfile {
  readonly version?: string | undefined;
  readonly arch?: string | undefined;
  readonly tailCallLimit?: number | undefined;
}

/** Programs and maps, or an object; what is done with them, and what is expected. */
export interface Case {
  readonly id: string;
  readonly title?: string | undefined;
  readonly object?: string | undefined;
  readonly profile?: CaseProfile | undefined;
  readonly programs: readonly CaseProgram[];
  readonly maps: readonly CaseMap[];
  readonly slots: readonly CaseSlot[];
  readonly init: readonly CaseInit[];
  readonly runs: readonly CaseRun[];
  readonly reads: readonly CaseRead[];
  /** Every run is held against what the verdicts claim of each instruction. */
  readonly claims?: boolean | undefined;
}

/** One program with its expectation at the top: the shape of recorded verifier cases. */
export interface SingleCase extends CaseCode {
  readonly id: string;
  readonly name?: string | undefined;
  readonly group?: string | undefined;
  readonly attachTo?: string | undefined;
  readonly maps: readonly CaseMap[];
  /** By slot: which map a 64-bit load names. */
  readonly mapRefs: Readonly<Record<string, number>>;
  readonly expect: CaseVerdict & { readonly runs: readonly Pick<CaseRun & CaseOutcome, "data" | "retval">[] };
}

/** One program of an object with its recorded verdict. */
export interface ObjectCase {
  readonly object: string;
  readonly section: string;
  readonly program: string;
  readonly type: string;
  /** How many slots the program has. */
  readonly slots: number;
  readonly typeGuessed?: boolean | undefined;
  readonly expect: CaseVerdict;
}
