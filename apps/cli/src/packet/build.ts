import { LAYERS, type Layer, type Values } from "./layers.js";
import { type LayerText, packetError, parsePacketText } from "./text.js";

/** Layers a packet may have: enough for any tunnel, and no text makes megabytes of headers. */
const MAX_LAYERS = 32;

/**
 * Makes a packet of its text: `eth/ipv4(dst=10.0.0.2)/udp(dport=53)/payload("hi")`. Fields left out get what the rest of
 * the packet makes them (types, lengths, checksums) or a default.
 * @throws {PacketError} `BAD_PACKET`, with the column.
 */
export function buildPacket(text: string): Uint8Array {
  const layers = parsePacketText(text).map((layer) => ({ name: layer.name.text, ...readLayer(layer) }));
  if (layers.length > MAX_LAYERS) throw packetError(`${layers.length} layers; at most ${MAX_LAYERS} are taken`, 1);
  let inner = new Uint8Array(0);
  for (const [index, { layer, values }] of [...layers.entries()].reverse()) {
    const outer = layers.slice(0, index).findLast((one) => one.layer.pseudoHeader !== undefined);
    const pseudoHeader = outer?.layer.pseudoHeader?.(outer.values);
    const header = layer.encode(values, { inner, next: layers[index + 1]?.name, pseudoHeader });
    const whole = new Uint8Array(header.length + inner.length);
    whole.set(header);
    whole.set(inner, header.length);
    inner = whole;
  }
  return inner;
}

function readLayer({ name, fields }: LayerText): { layer: Layer; values: Values } {
  const layer = Object.hasOwn(LAYERS, name.text) && !name.quoted ? LAYERS[name.text]! : undefined;
  if (layer === undefined) {
    throw packetError(`there is no layer ${name.text}; there are ${Object.keys(LAYERS).join(", ")}`, name.column);
  }
  for (const [field, word] of fields) {
    if (Object.hasOwn(layer.fields, field)) continue;
    throw packetError(
      `${name.text} has no field ${field}; it has ${Object.keys(layer.fields).join(", ")}`,
      word.column,
    );
  }
  const read = Object.entries(layer.fields).map(
    ([field, [value, unset]]) =>
      [field, value(fields.get(field) ?? { text: unset, column: name.column, quoted: false })] as const,
  );
  const all = Object.fromEntries(read);
  return {
    layer,
    values: {
      bytes: all,
      given: (field) => fields.has(field),
      value: (field) => all[field]!.reduce((sum, byte) => sum * 256 + byte, 0),
    },
  };
}
