import { mapTypeByName } from "@bpfkit/abi";
import type { GuestAddress, MapId, MapSpec, MapStorage } from "@bpfkit/core";
import { guestAddress } from "@bpfkit/core";
import { errnoName } from "@bpfkit/native";
import { type Attributes, attributes, LAYOUTS } from "./attributes.js";
import { COMMANDS, close, command, refusal, tryCommand } from "./command.js";
import { possibleCpus } from "./cpus.js";
import { KernelError } from "./error.js";

/** What the kernel answers where there is no such entry, or where a map type has none that user space could read. */
const NOTHING: ReadonlySet<string> = new Set(["ENOENT", "ENOTSUPP", "EOPNOTSUPP"]);

/**
 * A map of the running kernel. Programs see it through its descriptor, never through guest memory, so it has no guest
 * operations and its header is address 0.
 */
export class KernelMap implements MapStorage {
  readonly spec: MapSpec;
  readonly id: MapId;
  readonly header: GuestAddress = guestAddress(0);
  /** CPUs it has values for; left out where all share one. */
  readonly cpus?: number;
  /** Bytes user space reads and writes as one value: all CPUs' where it is per CPU. */
  readonly valueBytes: number;
  readonly #descriptor: number;
  readonly #closed: () => void;
  #open = true;

  /** Takes over the descriptor. `closed` is told once when it is closed. */
  constructor(spec: MapSpec, id: MapId, descriptor: number, closed: () => void) {
    this.spec = spec;
    this.id = id;
    this.#descriptor = descriptor;
    this.#closed = closed;
    if (mapTypeByName(spec.type).perCpu === true) this.cpus = possibleCpus();
    this.valueBytes = this.cpus === undefined ? spec.valueSize : Math.ceil(spec.valueSize / 8) * 8 * this.cpus;
  }

  /** @throws {KernelError} `CLOSED`. */
  get descriptor(): number {
    if (this.#open) return this.#descriptor;
    throw new KernelError("CLOSED", `map ${this.spec.name} was disposed of`);
  }

  get(key: Uint8Array): Uint8Array | undefined {
    const value = new Uint8Array(this.valueBytes);
    const result = tryCommand(COMMANDS.mapLookup, this.#element(key, value));
    if (NOTHING.has(errnoName(result))) return undefined;
    if (result < 0) throw refusal(result, `reading ${this.#name(key)}`);
    return value;
  }

  set(key: Uint8Array, value: Uint8Array, flags = 0): void {
    if (value.length !== this.valueBytes) {
      const what = `map ${this.spec.name} has values of ${this.valueBytes} bytes, not ${value.length}`;
      throw new KernelError("EINVAL", what);
    }
    command(COMMANDS.mapUpdate, this.#element(key, value, flags), `writing ${this.#name(key)}`);
  }

  delete(key: Uint8Array): void {
    command(COMMANDS.mapDelete, this.#element(key), `deleting ${this.#name(key)}`);
  }

  /** Keys in the kernel's order; none where user space cannot walk the map (queues, ring buffers). What is added or deleted while walking may be missed or met twice. */
  *keys(): Iterable<Uint8Array> {
    if (this.spec.keySize === 0) return;
    let last: Uint8Array | undefined;
    for (;;) {
      const next = new Uint8Array(this.spec.keySize);
      const result = tryCommand(
        COMMANDS.mapNextKey,
        attributes(LAYOUTS.element, { map: this.descriptor, key: last, value: next }),
      );
      if (NOTHING.has(errnoName(result))) return;
      if (result < 0) throw refusal(result, `walking map ${this.spec.name}`);
      yield Uint8Array.from(next);
      last = next;
    }
  }

  /** Takes the next value out of a queue or stack, or a value out of a hash; undefined where there is none. */
  take(key: Uint8Array = new Uint8Array()): Uint8Array | undefined {
    const value = new Uint8Array(this.valueBytes);
    const result = tryCommand(COMMANDS.mapLookupAndDelete, this.#element(key, value));
    if (errnoName(result) === "ENOENT") return undefined;
    if (result < 0) throw refusal(result, `taking from map ${this.spec.name}`);
    return value;
  }

  /** From now on user space cannot write it, and the verifier may read constants out of it. */
  freeze(): void {
    command(
      COMMANDS.mapFreeze,
      attributes(LAYOUTS.element, { map: this.descriptor }),
      `freezing map ${this.spec.name}`,
    );
  }

  dispose(): void {
    if (!this.#open) return;
    this.#open = false;
    close(this.#descriptor);
    this.#closed();
  }

  #element(key: Uint8Array, value?: Uint8Array, flags = 0): Attributes {
    if (key.length !== this.spec.keySize) {
      throw new KernelError(
        "EINVAL",
        `map ${this.spec.name} has keys of ${this.spec.keySize} bytes, not ${key.length}`,
      );
    }
    return attributes(LAYOUTS.element, {
      map: this.descriptor,
      key: key.length === 0 ? undefined : key,
      value,
      flags,
    });
  }

  #name(key: Uint8Array): string {
    const hex = Array.from(key, (byte) => byte.toString(16).padStart(2, "0")).join("");
    return hex === "" ? `map ${this.spec.name}` : `key ${hex} of map ${this.spec.name}`;
  }
}
