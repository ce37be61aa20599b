// The running kernel as something to be measured beside: programs and maps through bpf(2), as root.
import { addressOf, errnoName, SYSCALLS, syscall } from "@bpfkit/native";

const COMMANDS = { mapCreate: 0, mapUpdate: 2, progLoad: 5, testRun: 10 };
const XDP = 6;
const TYPES = { array: 2, hash: 1 };
const ATTRIBUTES = 144;

function bpf(command, fill) {
  const attributes = new Uint8Array(new ArrayBuffer(ATTRIBUTES));
  fill(new DataView(attributes.buffer));
  const result = syscall(SYSCALLS.bpf, command, attributes, ATTRIBUTES);
  if (result < 0) throw new Error(`bpf(${command}): ${errnoName(result)}`);
  return { result, attributes: new DataView(attributes.buffer) };
}

/** Bytes that stay where they are while the kernel looks at them. */
function bytesOf(values) {
  const bytes = new Uint8Array(new ArrayBuffer(Math.max(values.length, 128)), 0, values.length);
  bytes.set(values);
  return bytes;
}

export function createMap({ type, keySize, valueSize, maxEntries }) {
  return bpf(COMMANDS.mapCreate, (view) => {
    [TYPES[type], keySize, valueSize, maxEntries].forEach((value, index) => {
      view.setUint32(4 * index, value, true);
    });
  }).result;
}

export function updateMap(fd, key, value) {
  const [keyBytes, valueBytes] = [bytesOf(key), bytesOf(value)];
  bpf(COMMANDS.mapUpdate, (view) => {
    view.setUint32(0, fd, true);
    view.setBigUint64(8, addressOf(keyBytes), true);
    view.setBigUint64(16, addressOf(valueBytes), true);
  });
}

/** Loads an XDP program; `fds` has the file descriptor of each map it names. */
export function loadProgram({ code, references }, fds) {
  const bytes = bytesOf(code);
  const view = new DataView(bytes.buffer);
  for (const { slot, map } of references) {
    bytes[slot * 8 + 1] = (bytes[slot * 8 + 1] & 0x0f) | 0x10;
    view.setInt32(slot * 8 + 4, fds.get(map), true);
  }
  const license = bytesOf(new TextEncoder().encode("GPL\0"));
  return bpf(COMMANDS.progLoad, (attributes) => {
    attributes.setUint32(0, XDP, true);
    attributes.setUint32(4, code.length / 8, true);
    attributes.setBigUint64(8, addressOf(bytes), true);
    attributes.setBigUint64(16, addressOf(license), true);
  }).result;
}

/** Runs a loaded program so often on a packet; its result. */
export function testRun(fd, packet, repeat) {
  const data = bytesOf(packet);
  const out = bytesOf(new Uint8Array(8192));
  return bpf(COMMANDS.testRun, (view) => {
    view.setUint32(0, fd, true);
    view.setUint32(8, data.length, true);
    view.setUint32(12, out.length, true);
    view.setBigUint64(16, addressOf(data), true);
    view.setBigUint64(24, addressOf(out), true);
    view.setUint32(32, repeat, true);
  }).attributes.getUint32(4, true);
}
