/**
 * One BTF type as plain data (Documentation/bpf/btf.rst). `kind` is the kernel's name in lower case without prefix.
 * Names are empty where the type has none. `type` is the id of the type referred to; id 0 is `void`.
 */
export type BtfType =
  | BtfVoid
  | BtfInt
  | BtfArray
  | BtfComposite
  | BtfEnum
  | BtfEnum64
  | BtfFwd
  | BtfPtr
  | BtfModifier
  | BtfFunc
  | BtfFuncProto
  | BtfVar
  | BtfDatasec
  | BtfFloat
  | BtfDeclTag;

/** A BTF kind by its kernel name in lower case. */
export type BtfKind = BtfType["kind"];

/** The type with id 0. */
export interface BtfVoid {
  readonly kind: "void";
  readonly name: "";
}

/** `BTF_KIND_INT`. */
export interface BtfInt {
  readonly kind: "int";
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  /** Bits the value has; fewer than 8 × `size` only in bit fields of old compilers. */
  readonly bits: number;
  /** Bits before the value, in bit fields of old compilers. */
  readonly offset: number;
  /** Bits: 1 signed, 2 char, 4 bool (`BTF_INT_*`). */
  readonly encoding: number;
}

/** `BTF_KIND_ARRAY`. */
export interface BtfArray {
  readonly kind: "array";
  readonly name: string;
  readonly type: number;
  readonly indexType: number;
  readonly length: number;
}

/** `BTF_KIND_STRUCT` and `BTF_KIND_UNION`. */
export interface BtfComposite {
  readonly kind: "struct" | "union";
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  readonly members: readonly BtfMember[];
  /** Whether members carry bit field sizes; left out where not. */
  readonly bitfields?: true;
}

/** A member of a struct or union. */
export interface BtfMember {
  readonly name: string;
  readonly type: number;
  /** Bits from the start of the struct. */
  readonly bitOffset: number;
  /** Bits of a bit field; 0 for any other member. */
  readonly bitSize: number;
}

/** `BTF_KIND_ENUM`. */
export interface BtfEnum {
  readonly kind: "enum";
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  readonly signed: boolean;
  readonly values: readonly { readonly name: string; readonly value: number }[];
}

/** `BTF_KIND_ENUM64`. */
export interface BtfEnum64 {
  readonly kind: "enum64";
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  readonly signed: boolean;
  readonly values: readonly { readonly name: string; readonly value: bigint }[];
}

/** `BTF_KIND_FWD`: a struct or union declared but not defined. */
export interface BtfFwd {
  readonly kind: "fwd";
  readonly name: string;
  readonly of: "struct" | "union";
}

/** `BTF_KIND_PTR`. */
export interface BtfPtr {
  readonly kind: "ptr";
  readonly name: string;
  readonly type: number;
}

/** Kinds that rename or qualify one other type: same size, same values. */
export interface BtfModifier {
  readonly kind: "typedef" | "volatile" | "const" | "restrict" | "type_tag";
  readonly name: string;
  readonly type: number;
}

/** How the linker sees a function or variable. */
export type BtfLinkage = "static" | "global" | "extern";

/** `BTF_KIND_FUNC`: a function; `type` is its prototype. */
export interface BtfFunc {
  readonly kind: "func";
  readonly name: string;
  readonly type: number;
  readonly linkage: BtfLinkage;
}

/** `BTF_KIND_FUNC_PROTO`. A last parameter of type `void` without a name means `...`. */
export interface BtfFuncProto {
  readonly kind: "func_proto";
  readonly name: string;
  readonly returns: number;
  readonly params: readonly { readonly name: string; readonly type: number }[];
}

/** `BTF_KIND_VAR`. */
export interface BtfVar {
  readonly kind: "var";
  readonly name: string;
  readonly type: number;
  readonly linkage: BtfLinkage;
}

/** `BTF_KIND_DATASEC`: the variables of a section. Compilers leave size and offsets 0 (see `fillDataSections`). */
export interface BtfDatasec {
  readonly kind: "datasec";
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  /** `type` is a `var`; offset and size in bytes. */
  readonly variables: readonly { readonly type: number; readonly offset: number; readonly size: number }[];
}

/** `BTF_KIND_FLOAT`. */
export interface BtfFloat {
  readonly kind: "float";
  readonly name: string;
  /** Bytes. */
  readonly size: number;
}

/** `BTF_KIND_DECL_TAG`: text attached to a type, or to its member or parameter number `component` (−1: to the type). */
export interface BtfDeclTag {
  readonly kind: "decl_tag";
  readonly name: string;
  readonly type: number;
  readonly component: number;
}

/** Kinds by their number on the wire (`BTF_KIND_*`, uapi/linux/btf.h). */
export const BTF_KINDS: readonly BtfKind[] = [
  "void",
  "int",
  "ptr",
  "array",
  "struct",
  "union",
  "enum",
  "fwd",
  "typedef",
  "volatile",
  "const",
  "restrict",
  "func",
  "func_proto",
  "var",
  "datasec",
  "float",
  "decl_tag",
  "type_tag",
  "enum64",
];
