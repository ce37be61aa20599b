import { functionBtf } from "@bpfkit/btf";
import type { LinkSet } from "@bpfkit/core";
import { slotIndex } from "@bpfkit/core";
import { KernelSession, kernelEngine, programCode } from "@bpfkit/kernel";
import { describe, expect, test } from "vitest";
import { loadableBtf } from "../src/btf-object.js";
import { readVerdict } from "../src/verdict.js";
import { kernelMissing } from "./here.js";
import { program } from "./programs.js";

const RETURN_3 = "b7000000030000009500000000000000";
/** Calls a subprogram that tail-calls slot 0 of m0. */
const TAIL_CALL_BELOW =
  "85100000010000009500000000000000181200000000000000000000000000 00b703000000000000850000000c000000b7000000010000009500000000000000".replace(
    " ",
    "",
  );
const ARRAY = { name: "m0", type: "prog_array", keySize: 4, valueSize: 4, maxEntries: 1, flags: 0 };

function withSession<T>(action: (session: KernelSession) => T, functionInfo: "built" | "as-given" = "built"): T {
  const session = new KernelSession(functionInfo);
  session.retain();
  try {
    return action(session);
  } finally {
    for (const map of session.maps.values()) map.dispose?.();
    session.release();
  }
}

describe.skipIf(kernelMissing !== "")(`programs in the kernel${kernelMissing}`, () => {
  test("a rejection carries the verifier's words and the program's name", () => {
    const wrong = program("9500000000000000", { name: "wrong" });
    const error = withSession((session) => {
      try {
        return session.descriptorOf(wrong);
      } catch (caught) {
        return caught;
      }
    });
    expect(error).toMatchObject({ code: "REJECTED", place: { program: "wrong" } });
    expect(String(error)).toBe("KernelError: program wrong: the kernel refused it with EACCES: R0 !read_ok");
  });

  test("code is read back as the verifier left it and as machine code", () => {
    const code = withSession((session) => {
      const subject = program(RETURN_3);
      return programCode(session.descriptorOf(subject), subject.name);
    });
    expect(Buffer.from(code.translated).toString("hex")).toBe(RETURN_3);
    expect(code.verifiedInsns).toBe(2);
    // The JIT may be off; where it is on, the image holds at least a return.
    if (code.jited.length > 0) expect(code.jitedLengths.reduce((a, b) => a + b)).toBe(code.jited.length);
  });

  test.each([
    { functionInfo: "built" as const, verdict: { verdict: "accept" } },
    {
      functionInfo: "as-given" as const,
      verdict: { verdict: "reject", errno: "EINVAL", message: "tail_call is not allowed in subprogs without BTF" },
    },
  ])("a tail call in a subprogram needs function info: $functionInfo", ({ functionInfo, verdict }) => {
    const subprograms = [
      { name: "p", start: slotIndex(0), linkage: "global" as const },
      { name: "sub.1", start: slotIndex(2), linkage: "static" as const },
    ];
    const answer = withSession((session) => {
      session.addMaps([ARRAY]);
      return session.verdict(program(TAIL_CALL_BELOW, { subprograms }));
    }, functionInfo);
    expect(answer).toMatchObject(verdict);
  });

  test("log levels give the walk; a log too large for its buffer is no verdict", () => {
    const subject = program(RETURN_3);
    withSession((session) => {
      expect(session.verdict(subject).log).not.toContain("0: (b7) r0 = 3");
      expect(session.verdict(subject, 2).log).toContain("0: (b7) r0 = 3");
      const small = session.verdict(subject, 2, 128);
      expect(small.verdict).toBe("accept");
      expect(small.log.length).toBeLessThan(128);
    });
  });

  test.each([
    { name: "an unknown type", fields: { type: "raw" }, code: "NOT_AVAILABLE" },
    { name: "an unknown attach type", fields: { expectedAttachType: "nowhere", references: [] }, code: "EINVAL" },
    {
      name: "a map that is not there",
      fields: { references: [{ kind: "map" as const, slot: slotIndex(0), map: "nothing" }] },
      code: "UNKNOWN_MAP",
    },
    {
      name: "a function of the kernel",
      fields: {
        references: [
          {
            kind: "extern" as const,
            slot: slotIndex(0),
            symbol: "bpf_no_such_function",
            of: "function" as const,
            weak: false,
          },
        ],
      },
      code: "NOT_AVAILABLE",
    },
  ])("what cannot be asked is an error with a place: $name", ({ fields, code }) => {
    const subject = program(`18100000000000000000000000000000${RETURN_3}`, fields);
    expect(() => withSession((session) => session.descriptorOf(subject))).toThrow(expect.objectContaining({ code }));
  });

  test("the engine takes only maps of its own, and of one set", () => {
    const engine = kernelEngine();
    const other = kernelEngine();
    const one = engine.createMaps!([{ ...ARRAY, name: "one" }]);
    const two = other.createMaps!([{ ...ARRAY, name: "two" }]);
    const set = (maps: typeof one) => ({ programs: [program(RETURN_3)], maps }) as unknown as LinkSet;
    try {
      expect(() => engine.link(set(new Map([...one, ...two])))).toThrow(/belongs to another set/);
      const foreign = new Map([["foreign", { spec: ARRAY } as never]]);
      expect(() => engine.link(set(foreign))).toThrow(/map foreign is no map of the kernel/);
      engine.link(set(one)).dispose();
    } finally {
      for (const map of [...one.values(), ...two.values()]) map.dispose?.();
    }
  });
});

test("BTF as compilers write it is made loadable without moving a type", () => {
  const { types } = functionBtf([{ name: "f", slot: 0 }]);
  expect(loadableBtf(types)).toEqual(types);
  expect(loadableBtf(Uint8Array.of(1, 2))).toEqual(Uint8Array.of(1, 2));
});

test.each([
  {
    name: "a reason behind the walk",
    errno: "EACCES",
    log: "0: R1=ctx() R10=fp0\n0: (95) exit\nR0 !read_ok\nverification time 8 usec\nstack depth 0\nprocessed 1 insns (limit 1000000)\n",
    verdict: { verdict: "reject", errno: "EACCES", message: "R0 !read_ok", insnsProcessed: 1, stackDepth: [0] },
  },
  {
    name: "a reason of two lines",
    errno: "EACCES",
    log: "5: (79) r1 = *(u64 *)(r0 +2)\ninvalid access to map value, value_size=8 off=2 size=8\nR0 min value is outside\nprocessed 5 insns\n",
    verdict: { message: "invalid access to map value, value_size=8 off=2 size=8\nR0 min value is outside" },
  },
  {
    name: "states of a loop, which are no part of it",
    errno: "EINVAL",
    log: "1: (05) goto pc-1\ninfinite loop detected at insn 1\ncur state: R0=0\nold state: R0=0\nprocessed 3 insns\n",
    verdict: { message: "infinite loop detected at insn 1" },
  },
  {
    name: "a reason that ends without a newline",
    errno: "EINVAL",
    log: "4: (85) call bpf_tail_call#12\nexpected prog array map for tail callverification time 16 usec\nprocessed 5 insns\n",
    verdict: { message: "expected prog array map for tail call" },
  },
  { name: "no word at all", errno: "EINVAL", log: "", verdict: { verdict: "reject", message: "" } },
  {
    name: "acceptance",
    errno: undefined,
    log: "verification time 16 usec\nstack depth 8+0+512\nprocessed 9 insns (limit 1000000)\n",
    verdict: { verdict: "accept", stackDepth: [8, 0, 512], insnsProcessed: 9 },
  },
])("a log is read as a verdict: $name", ({ errno, log, verdict }) => {
  expect(readVerdict(errno, log)).toMatchObject(verdict);
});
