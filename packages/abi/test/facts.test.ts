import {
  ATTACH_TYPES,
  actionName,
  attachTypeId,
  CONTEXT_STRUCTS,
  ERRNO,
  errnoName,
  HELPER_PROTOTYPES,
  PROGRAM_TYPES,
  programTypeById,
  programTypeByName,
} from "@bpfkit/abi";
import { describe, expect, test } from "vitest";

describe("program types", () => {
  test("ids are dense from 1 to 32 and names are unique", () => {
    expect(PROGRAM_TYPES.map((facts) => facts.id)).toEqual(Array.from({ length: 32 }, (_, index) => index + 1));
    expect(new Set(PROGRAM_TYPES.map((facts) => facts.name)).size).toBe(32);
    expect(programTypeById(6)).toBe(programTypeByName("xdp"));
  });

  test("every attach type they name exists", () => {
    const unknown = PROGRAM_TYPES.flatMap((facts) => facts.attachTypes).filter(
      (name) => attachTypeId(name) === undefined,
    );
    expect(unknown).toEqual([]);
    expect(ATTACH_TYPES).toHaveLength(58);
    expect([attachTypeId("xdp"), attachTypeId("trace_fexit"), attachTypeId("trace_uprobe_session")]).toEqual([
      37, 25, 57,
    ]);
  });

  test("helpers name program types that exist", () => {
    const known = new Set(PROGRAM_TYPES.map((facts) => facts.name));
    expect(HELPER_PROTOTYPES.flatMap((helper) => [...helper.programTypes]).filter((type) => !known.has(type))).toEqual(
      [],
    );
  });

  test("types that have packets have a context with packet pointers", () => {
    const withPackets = PROGRAM_TYPES.filter((facts) => facts.packet !== undefined);
    for (const { context } of withPackets) {
      expect(CONTEXT_STRUCTS.get(context!)!.fields.some((field) => field.pointer === "packet")).toBe(true);
    }
    expect(withPackets.filter((facts) => facts.packet === "link").map((facts) => facts.name)).toEqual([
      "sched_cls",
      "sched_act",
      "xdp",
    ]);
  });

  test("Linux runs these in BPF_PROG_TEST_RUN", () => {
    expect(PROGRAM_TYPES.filter((facts) => facts.testRun).map((facts) => facts.name)).toEqual([
      ..."socket_filter sched_cls sched_act xdp cgroup_skb lwt_in lwt_out lwt_xmit raw_tracepoint".split(" "),
      ..."flow_dissector tracing struct_ops sk_lookup syscall netfilter".split(" "),
    ]);
  });

  test.each([
    { type: "xdp", r0: 2n, name: "XDP_PASS" },
    { type: "xdp", r0: 0x1_0000_0001n, name: "XDP_DROP" },
    { type: "xdp", r0: 5n, name: undefined },
    { type: "sched_cls", r0: 0xffff_ffffn, name: "TC_ACT_UNSPEC" },
    { type: "sched_cls", r0: 2n, name: "TC_ACT_SHOT" },
    { type: "lwt_xmit", r0: 128n, name: "BPF_LWT_REROUTE" },
    { type: "sk_skb", r0: 1n, name: "SK_PASS" },
    { type: "socket_filter", r0: 1n, name: undefined },
    { type: "raw", r0: 1n, name: undefined },
  ])("$type returning $r0 is $name", ({ type, r0, name }) => {
    expect(actionName(type, r0)).toBe(name);
  });

  test("an unknown name says which there are", () => {
    expect(() => programTypeByName("tc")).toThrow(/tc is no program type of Linux; there are socket_filter, kprobe/);
  });
});

describe("errnos", () => {
  test("names and numbers go both ways", () => {
    for (const [name, number] of Object.entries(ERRNO)) expect(errnoName(number)).toBe(name);
    expect(errnoName(-7)).toBe("E2BIG");
    expect(errnoName(0)).toBeUndefined();
  });
});
