import fc from "fast-check";
import type { BtfType } from "../src/index.js";

const name = fc.stringMatching(/^[a-z_][a-z0-9_]{0,8}$/);
const anyName = fc.oneof(name, fc.constant(""));
const id = fc.nat({ max: 40 });
const size = fc.nat({ max: 64 });
const linkage = fc.constantFrom("static" as const, "global" as const, "extern" as const);
const part = fc.record({ name: anyName, type: id });

const member = (bitfields: boolean) =>
  fc.record({
    name: anyName,
    type: id,
    bitOffset: fc.nat({ max: bitfields ? 0xffffff : 0xffffffff }),
    bitSize: fc.nat({ max: bitfields ? 255 : 0 }),
  });

const composite = (bitfields: boolean): fc.Arbitrary<BtfType> =>
  fc
    .record({
      kind: fc.constantFrom("struct" as const, "union" as const),
      name: anyName,
      size,
      members: fc.array(member(bitfields), { maxLength: 5 }),
    })
    .map((type) => (bitfields ? { ...type, bitfields: true as const } : type));

/** Any BTF type, of any kind; the ids in it may lead nowhere. */
export const anyType: fc.Arbitrary<BtfType> = fc.oneof(
  fc.record({
    kind: fc.constant("int" as const),
    name,
    size: fc.constantFrom(1, 2, 4, 8, 16),
    bits: fc.nat({ max: 128 }),
    offset: fc.nat({ max: 63 }),
    encoding: fc.constantFrom(0, 1, 2, 4),
  }),
  fc.record({ kind: fc.constant("ptr" as const), name: fc.constant(""), type: id }),
  fc.record({ kind: fc.constant("array" as const), name: fc.constant(""), type: id, indexType: id, length: size }),
  composite(false),
  composite(true),
  fc.boolean().chain((signed) =>
    fc.record({
      kind: fc.constant("enum" as const),
      name: anyName,
      size: fc.constantFrom(1, 2, 4),
      signed: fc.constant(signed),
      values: fc.array(fc.record({ name, value: signed ? fc.integer() : fc.nat({ max: 0xffffffff }) }), {
        maxLength: 4,
      }),
    }),
  ),
  fc.boolean().chain((signed) =>
    fc.record({
      kind: fc.constant("enum64" as const),
      name: anyName,
      size: fc.constant(8),
      signed: fc.constant(signed),
      values: fc.array(
        fc.record({ name, value: signed ? fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n) : fc.bigInt(0n, 2n ** 64n - 1n) }),
        { maxLength: 4 },
      ),
    }),
  ),
  fc.record({ kind: fc.constant("fwd" as const), name, of: fc.constantFrom("struct" as const, "union" as const) }),
  fc.record({
    kind: fc.constantFrom(
      "typedef" as const,
      "volatile" as const,
      "const" as const,
      "restrict" as const,
      "type_tag" as const,
    ),
    name,
    type: id,
  }),
  fc.record({ kind: fc.constant("func" as const), name, type: id, linkage }),
  fc.record({
    kind: fc.constant("func_proto" as const),
    name: fc.constant(""),
    returns: id,
    params: fc.array(part, { maxLength: 5 }),
  }),
  fc.record({ kind: fc.constant("var" as const), name, type: id, linkage }),
  fc.record({
    kind: fc.constant("datasec" as const),
    name,
    size,
    variables: fc.array(fc.record({ type: id, offset: size, size }), { maxLength: 4 }),
  }),
  fc.record({ kind: fc.constant("float" as const), name, size: fc.constantFrom(2, 4, 8, 12, 16) }),
  fc.record({ kind: fc.constant("decl_tag" as const), name, type: id, component: fc.integer({ min: -1, max: 9 }) }),
);
