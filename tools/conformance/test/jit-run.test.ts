import { readFileSync } from "node:fs";
import { helperByName } from "@bpfkit/abi";
import { parse } from "@bpfkit/asm";
import {
  type CodePages,
  type Engine,
  type ExecutableMemory,
  type HelperImplementation,
  type Program,
  programId,
  type RunContext,
} from "@bpfkit/core";
import { helperTable } from "@bpfkit/helpers";
import { interpreter } from "@bpfkit/interpreter";
import { JitError, type JitLinked, jitX64 } from "@bpfkit/jit-x64";
import { executableMemory } from "@bpfkit/native";
import { load, programFromCode, type Vm, type VmOptions } from "@bpfkit/vm";
import { describe, expect, test } from "vitest";
import { jitAt, jitAvailable, LEVELS, skipReason } from "../src/jit.js";

const MAIN = programId(0);
const NOTHING: RunContext = { r1: 0n, r2: 0n, type: "raw" };
const MAPS = [{ name: "programs", type: "prog_array", keySize: 4, valueSize: 4, maxEntries: 4, flags: 0 }];

function assemble(name: string, text: string): Program {
  const { code, references } = parse(text, {
    helperId: (helper) => helperByName(helper)?.id ?? Number(helper.slice(1)),
  });
  return programFromCode(code, { name, type: "raw", references });
}

function make(text: string, options: VmOptions): Vm {
  return load({ programs: [assemble("main", text)], maps: MAPS }, options);
}

/** Whether a row of `/proc/self/maps` covers an address. */
function contains(row: string, address: bigint): boolean {
  const range = /^([0-9a-f]+)-([0-9a-f]+) /.exec(row);
  return range !== null && BigInt(`0x${range[1]}`) <= address && address < BigInt(`0x${range[2]}`);
}

/** A link of programs with nothing around them but helpers. */
function link(text: string, engine: Engine, helpers = helperTable()): JitLinked {
  const vm = make(text, { helpers });
  const { memory, effects, profile, programs } = vm;
  return engine.link({ programs, maps: new Map(), helpers, memory, effects, profile }) as JitLinked;
}

describe.skipIf(!jitAvailable)(`faults are the interpreter's${skipReason()}`, () => {
  test.each([
    ["read", "r1 = 0; r0 = *(u64 *)(r1 + 8); exit"],
    ["read", "r1 = 0x100000000 ll; r0 = *(u8 *)(r1 + 0); exit"],
    ["write", "r1 = -8; *(u32 *)(r1 + 0) = 1; exit"],
    ["write", "*(u64 *)(r10 - 516) = 1; exit"],
    ["read", "r0 = *(u64 *)(r10 + 0); exit"],
    ["write", "r1 = 4096; lock *(u64 *)(r1 + 0) += r1; exit"],
    ["call-depth", "call f; exit; f: call f; exit"],
    ["budget", "l: r0 += 1; goto l"],
    ["budget", "r0 = 1; r0 = 2; r0 = 3; *(u32 *)(r10 - 4) = 5; l: call f; goto l; f: r0 += 1; r0 += 1; exit"],
    ["bad-jump", "r0 = 1; if r0 == 1 goto +1; exit; r0 = 2"],
    ["not-available", "r0 = 1; call unknown_999; exit"],
    ["tail-call", "r2 = 64; r3 = 0; call tail_call; exit"],
    ["helper", "r1 = 3; r2 = 77; r3 = 0; r4 = 0; call loop; exit"],
    ["call-depth", "r1 = 3; r2 = func f; r3 = 0; r4 = 0; call loop; exit; f: call g; exit; g: call g; exit"],
    ["read", "call f; exit; f: r1 = 2; r2 = func g; r3 = 0; r4 = 0; call loop; exit; g: r0 = *(u8 *)(r1 - 9); exit"],
  ])("%s: %s", (kind, text) => {
    const text2 = text.replace("unknown_999", "999");
    const run = (engine: Engine) => {
      const vm = make(text2, { engine });
      const { fault, instructions } = vm.program().run({}, { budget: 1000 });
      vm.dispose();
      return { fault, instructions };
    };
    const wanted = run(interpreter);
    const found = run(jitAt("checked"));
    expect(wanted.fault?.kind).toBe(kind);
    const frames = (fault: typeof wanted.fault) => fault?.frames.map(({ stack: _, ...frame }) => frame);
    expect({ ...found.fault, frames: frames(found.fault) }).toEqual({ ...wanted.fault, frames: frames(wanted.fault) });
  });
});

describe.skipIf(!jitAvailable)(`frames that one run of a loop opened are invalid in the next${skipReason()}`, () => {
  const below = "if r1 == 0 goto below; call f; r0 = 1; exit; below: r0 = *(u64 *)(r10 - 584); exit; f:";

  test.each([
    ["of a subprogram", `${below} *(u64 *)(r10 - 8) = 7; exit`],
    ["of a subprogram without a stack", `${below} r0 = 2; exit`],
    ["of a helper's callback", `${below} r1 = 2; r2 = func g; r3 = 0; r4 = 0; call loop; exit; g: r0 = 0; exit`],
    ["eight deep", `${below} call g; exit; g: call h; exit; h: call i; exit; i: call j; exit; j: r0 = 0; exit`],
    ["with a tail call that is missed", `${below} r2 = 64; r3 = 0; call f2; exit; f2: r0 = 0; exit`],
  ])("%s", (_name, text) => {
    const inputs = [0n, 1n, 1n, 1n, 0n, 1n];
    const outcome = (engine: Engine) =>
      [inputs.slice(1), inputs.slice(1, 3)].map((r1) => {
        const linked = link(text, engine);
        const contexts = (index: number): RunContext => ({ ...NOTHING, r1: r1[index]! });
        const { completed, fault, r0 } =
          engine === interpreter
            ? linked.runMany(MAIN, r1.length, contexts)
            : linked.runLoop(MAIN, NOTHING, { count: r1.length, r1: BigUint64Array.from(r1) });
        linked.dispose();
        return { completed, kind: fault?.kind, slot: fault?.place.slot, r0: [...r0] };
      });
    const [stopped, ended] = outcome(interpreter);
    expect(stopped).toMatchObject({ completed: 3, kind: "read" });
    expect(ended).toMatchObject({ completed: 2, kind: undefined });
    expect(outcome(jitAt("checked"))).toEqual([stopped, ended]);
  });
});

describe.skipIf(!jitAvailable).each(LEVELS)(`jit-x64, %s${skipReason()}`, (safety) => {
  const engine = jitAt(safety);

  test("a throw in a helper is a fault, and the next run is as if nothing had been", () => {
    let throws = true;
    const body = (): number => {
      if (throws) throw new Error("no more");
      return 7;
    };
    const helpers = new Map<number, HelperImplementation>([[999, { kind: "body", name: "broken", body }]]);
    const linked = link("call f; exit; f: r6 = 1; call 999; r0 += r6; exit", engine, helpers);
    const { fault } = linked.run(MAIN, NOTHING);
    expect(fault).toMatchObject({ kind: "helper", place: { slot: 3 } });
    expect(fault?.message).toContain("broken: no more");
    expect(fault?.frames.map(({ slot }) => slot)).toEqual([3, 0]);
    throws = false;
    expect(linked.run(MAIN, NOTHING)).toMatchObject({ r0: 8n });
    linked.dispose();
  });

  test("runs inside helpers have a count and a stack of their own, and end as a fault past 32", () => {
    let linked: JitLinked | undefined;
    let depth = 0;
    const body = (): bigint => {
      depth++;
      const { r0, fault } = linked!.run(MAIN, NOTHING);
      if (fault !== undefined) throw new Error(fault.message);
      return r0;
    };
    const helpers = new Map<number, HelperImplementation>([[999, { kind: "body", name: "again", body }]]);
    const set = link("*(u64 *)(r10 - 8) = 1; call 999; r1 = *(u64 *)(r10 - 8); r0 += r1; exit", engine, helpers);
    linked = set;
    // Stacks of inner runs cannot be reserved while one is active; the error is typed and becomes the fault.
    const { fault } = set.run(MAIN, NOTHING);
    expect(fault?.kind).toBe("helper");
    expect(depth).toBeLessThanOrEqual(32);
    set.dispose();
  });

  test("may_goto goes on so often and no more", () => {
    const linked = link("r0 = 0; l: may_goto +2; r0 += 1; goto -3; exit", engine);
    expect(linked.run(MAIN, NOTHING).r0).toBe(8_388_608n);
    linked.dispose();
  });

  test("a loop in machine code gives each run's r0, with inputs of its own or the context's", () => {
    const linked = link("r0 = r1; r0 *= 3; exit", engine);
    const r1 = BigUint64Array.from({ length: 1000 }, (_, index) => BigInt(index));
    const { r0, completed, fault } = linked.runLoop(MAIN, NOTHING, { count: 1000, r1 });
    expect([completed, fault]).toEqual([1000, undefined]);
    expect(r0).toEqual(r1.map((value) => value * 3n));
    expect(linked.runLoop(MAIN, { ...NOTHING, r1: 5n }, { count: 70_000 }, {}, "last")).toMatchObject({
      r0: BigUint64Array.of(15n),
      completed: 70_000,
    });
    linked.dispose();
  });

  test("a repeated run counts as many runs do", () => {
    const vm = make("r6 = r1; call f; r0 += 1; exit; f: r2 = map[programs]; r3 = 2; call tail_call; r0 = 3; exit", {
      engine,
    });
    vm.setSlot("programs", 2, assemble("leaf", "r0 = 5; exit"));
    const { r0, instructions, tailCalls } = vm.program("main").run({}, { repeat: 50 });
    const one = vm.program("main").run({});
    expect(r0).toBe(one.r0);
    if (safety === "checked") expect([instructions, tailCalls]).toEqual([50 * one.instructions!, 50]);
    expect(one.tailCalls).toBe(1);
    vm.dispose();
  });

  test("a loop looks at cancel between slices", () => {
    const linked = link("r0 = 1; exit", engine);
    let looks = 0;
    const cancel = {
      get cancelled() {
        return ++looks > 3;
      },
    };
    const { completed, fault } = linked.runLoop(MAIN, NOTHING, { count: 1e9 }, { cancel }, "last");
    expect(fault?.kind).toBe("cancelled");
    expect(completed).toBeLessThan(1e9);
    linked.dispose();
  });

  test("a disposed link says so, and its pages are gone", () => {
    const linked = link("r0 = 1; exit", engine);
    linked.dispose();
    expect(() => linked.run(MAIN, NOTHING)).toThrow(expect.objectContaining({ code: "DISPOSED" }));
  });

  test("no page of ours is writable and executable at once", () => {
    const seen: string[] = [];
    let pages: CodePages | undefined;
    /** The permissions of the pages last reserved. */
    const look = (): void => {
      const start = pages?.address.toString(16);
      const line = readFileSync("/proc/self/maps", "latin1")
        .split("\n")
        .find((row) => row.startsWith(`${start}-`) || contains(row, pages!.address));
      seen.push(line?.split(" ")[1] ?? "none");
    };
    const watched: ExecutableMemory = {
      ...executableMemory,
      reserve(size) {
        pages = executableMemory.reserve(size);
        look();
        return pages;
      },
    };
    const linked = link("call f; exit; f: r0 = 2; exit", jitX64(watched, { safety, assumeVerified: true }));
    look();
    linked.run(MAIN, NOTHING);
    look();
    linked.dispose();
    look();
    expect(seen.filter((permissions) => permissions.startsWith("rwx"))).toEqual([]);
    expect(seen.slice(-3)).toEqual(["r-xp", "r-xp", "none"]);
  });

  test("a program array changes between runs, and a program no one has linked is compiled then", () => {
    const vm = make("r2 = map[programs]; r3 = 1; call tail_call; r0 = 9; exit", { engine });
    const run = (): bigint => vm.program("main").run().r0;
    expect(run()).toBe(9n);
    vm.setSlot("programs", 1, assemble("late", "r0 = 42; exit"));
    expect(run()).toBe(42n);
    vm.setSlot("programs", 1, undefined);
    expect(run()).toBe(9n);
    vm.dispose();
  });
});

describe.skipIf(!jitAvailable)(`levels${skipReason()}`, () => {
  const text = "r0 = 1; exit";
  test("without a verdict only checked is allowed", () => {
    expect(() => link(text, jitX64(executableMemory, { safety: "confined" }))).toThrow(JitError);
    expect(() => link(text, jitX64(executableMemory, { safety: "unchecked" }))).toThrow(
      expect.objectContaining({ code: "UNVERIFIED" }),
    );
    const linked = link(text, jitX64(executableMemory));
    expect(linked.safety).toBe("checked");
    linked.dispose();
  });

  test("an accepting verdict on this very program makes it confined; on another it does not", () => {
    const accept = (program: Program) => ({ program, accepted: true });
    const confined = link(text, jitX64(executableMemory, { verdict: accept }));
    expect(confined.safety).toBe("confined");
    confined.dispose();
    const other = assemble("other", text);
    const checked = link(text, jitX64(executableMemory, { verdict: () => accept(other) }));
    expect(checked.safety).toBe("checked");
    checked.dispose();
  });

  test("a confined program cannot leave guest memory, whatever its verdict says", () => {
    // 64-bit values as addresses: cut to 32 bits they fall into guest memory's range or its guard, never elsewhere.
    const linked = link(
      "r1 = r10; r1 += -8; r2 = 0x700000000000 ll; r1 += r2; *(u64 *)(r1 + 0) = 5; r0 = *(u64 *)(r10 - 8); exit",
      jitAt("confined"),
    );
    expect(linked.run(MAIN, NOTHING).r0).toBe(5n);
    linked.dispose();
  });

  test("compiling and releasing keeps memory flat", () => {
    const vm = make("call f; exit; f: r0 = 2; exit", {});
    const { memory, effects, profile, programs, helpers } = vm;
    const set = { programs, maps: new Map(), helpers, memory, effects, profile };
    const cycle = (count: number): void => {
      for (let i = 0; i < count; i++) jitAt("confined").link(set).dispose();
    };
    const mappings = (): number => readFileSync("/proc/self/maps", "latin1").split("\n").length;
    cycle(200);
    const before = mappings();
    const guest = memory.views.u8.length;
    cycle(2000);
    expect(mappings() - before).toBeLessThan(50);
    expect(memory.views.u8.length).toBe(guest);
  });
});
