import { spawnSync } from "node:child_process";
import { basename } from "node:path";
import { describe, expect, test } from "vitest";
import { type Btf, type BtfType, dumpType, parseBtf, typeById } from "../src/index.js";
import { objectPaths, sectionOf } from "./objects.js";

const bpftool = (path: string, format: "raw" | "c"): string =>
  spawnSync("bpftool", ["btf", "dump", "file", path, "format", format], { encoding: "utf8" }).stdout;

const available = spawnSync("bpftool", ["version"]).status === 0;

const quoted = (name: string): string => (name === "" ? "'(anon)'" : `'${name}'`);

/** One type in the notation of `bpftool btf dump … format raw`. */
function rawLines(btf: Btf, id: number): string[] {
  const type = typeById(btf, id);
  const head = `[${id}] ${type.kind.toUpperCase()} ${quoted(type.name)}`;
  const more = parts(btf, type);
  return [`${head} ${more[0]}`.trim(), ...more.slice(1).map((line) => `\t${line}`)];
}

const ENCODINGS = ["(none)", "SIGNED", "CHAR", "", "BOOL"];

function parts(btf: Btf, type: BtfType): string[] {
  switch (type.kind) {
    case "int":
      return [`size=${type.size} bits_offset=${type.offset} nr_bits=${type.bits} encoding=${ENCODINGS[type.encoding]}`];
    case "array":
      return [`type_id=${type.type} index_type_id=${type.indexType} nr_elems=${type.length}`];
    case "struct":
    case "union":
      return [
        `size=${type.size} vlen=${type.members.length}`,
        ...type.members.map(({ name, type, bitOffset, bitSize }) => {
          const bits = bitSize === 0 ? "" : ` bitfield_size=${bitSize}`;
          return `${quoted(name)} type_id=${type} bits_offset=${bitOffset}${bits}`;
        }),
      ];
    case "enum":
    case "enum64": {
      const suffix = type.kind === "enum" ? "" : type.signed ? "LL" : "ULL";
      const values = type.values.map(({ name, value }) => `${quoted(name)} val=${value}${suffix}`);
      return [`encoding=${type.signed ? "SIGNED" : "UNSIGNED"} size=${type.size} vlen=${values.length}`, ...values];
    }
    case "fwd":
      return [`fwd_kind=${type.of}`];
    case "func":
      return [`type_id=${type.type} linkage=${type.linkage}`];
    case "func_proto":
      return [
        `ret_type_id=${type.returns} vlen=${type.params.length}`,
        ...type.params.map(({ name, type }) => `${quoted(name)} type_id=${type}`),
      ];
    case "var":
      return [`type_id=${type.type}, linkage=${type.linkage}`];
    case "datasec":
      return [
        `size=${type.size} vlen=${type.variables.length}`,
        ...type.variables.map(({ type, offset, size }) => {
          const variable = typeById(btf, type);
          return `type_id=${type} offset=${offset} size=${size} (${variable.kind.toUpperCase()} '${variable.name}')`;
        }),
      ];
    case "float":
      return [`size=${type.size}`];
    case "decl_tag":
      return [`type_id=${type.type} component_idx=${type.component}`];
    case "void":
      return [];
    default:
      return [`type_id=${type.type}`];
  }
}

/** Definitions in C, without what compilers are told about alignment. */
function definitions(text: string): Set<string> {
  const plain = text
    .replaceAll(/ __attribute__\(\((packed|preserve_access_index|aligned\(\d+\)|mode\(\w+\))\)\)/g, "")
    .replaceAll(/^\t*(long|int|short|char)( long)?: \d+;\n/gm, "")
    .replaceAll("()", "(void)");
  const found = plain.match(
    /^(struct|union|enum) \w+ \{(\}|\n[\s\S]*?\n\});$|^typedef ([^;{]*|[^{;]*\{\n[\s\S]*?\n\}[^;]*);$/gm,
  );
  return new Set(found);
}

describe.skipIf(!available)("what bpftool says of the same object (skipped where bpftool is not installed)", () => {
  const paths = objectPaths().filter((path) => sectionOf(path, ".BTF") !== undefined);

  test.each(paths.map((path) => [basename(path), path]))("%s", (_, path) => {
    const btf = parseBtf(sectionOf(path, ".BTF")!);
    const ids = Array.from({ length: btf.typeCount - 1 }, (_, i) => i + 1);
    const raw = ids.flatMap((id) => rawLines(btf, id)).join("\n");
    expect(raw).toBe(bpftool(path, "raw").trimEnd());
    const theirs = definitions(bpftool(path, "c"));
    const ours = ids.filter((id) => {
      const { kind, name } = typeById(btf, id);
      return name !== "" && ["struct", "union", "enum", "enum64", "typedef"].includes(kind);
    });
    expect([...theirs].filter((text) => text.includes("(anon)"))).toEqual([]);
    for (const id of ours) expect([...theirs]).toContain(dumpType(btf, id));
  });
});
