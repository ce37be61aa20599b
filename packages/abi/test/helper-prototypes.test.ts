import { describe, expect, test } from "vitest";
import { HELPER_PROTOTYPES, helperById, helperByName } from "../src/helper-prototypes.js";

describe("helper prototypes", () => {
  test("ids are dense from 1 to 211 and names are unique", () => {
    expect(HELPER_PROTOTYPES.map((helper) => helper.id)).toEqual(Array.from({ length: 211 }, (_, index) => index + 1));
    expect(new Set(HELPER_PROTOTYPES.map((helper) => helper.name)).size).toBe(211);
  });

  test("versions never go back as ids grow", () => {
    const order = HELPER_PROTOTYPES.map(({ since }) => since.split(".").map(Number)).map(([a, b]) => a! * 100 + b!);
    expect(order).toEqual([...order].sort((a, b) => a - b));
  });

  const SK_LOOKUP = ["ctx", "mem", "size_or_zero", "anything", "anything"];
  test.each([
    { name: "map_lookup_elem", id: 1, args: ["map", "map_key"], returns: "map_value", nullable: true },
    { name: "tail_call", id: 12, args: ["ctx", "map", "anything"], returns: "void", nullable: false },
    { name: "get_prandom_u32", id: 7, args: [], returns: "integer", nullable: false },
    { name: "sk_lookup_tcp", id: 84, args: SK_LOOKUP, returns: "socket", nullable: true },
    { name: "loop", id: 181, args: ["scalar", "func", "stack", "anything"], returns: "integer", nullable: false },
  ])("$name", ({ name, id, args, returns, nullable }) => {
    const helper = helperByName(name)!;
    expect(helper.id).toBe(id);
    expect(helperByName(`bpf_${name}`)).toBe(helper);
    expect(helper.args.map((arg) => arg.kind)).toEqual(args);
    expect(helper.returns).toMatchObject({ kind: returns, nullable });
  });

  test("marks become fields", () => {
    expect(helperById(84)!.args[1]).toMatchObject({ kind: "mem", readonly: true, nullable: false });
    expect(helperById(28)!.args[0]).toMatchObject({ kind: "mem", readonly: true, nullable: true });
    expect(helperById(105)!.args[3]).toMatchObject({ kind: "mem", size: 8, uninit: true, write: true, aligned: true });
    expect(helperById(198)!.args[3]).toMatchObject({ kind: "dynptr", dynptr: "ringbuf", uninit: true });
    expect(helperById(86)!.args[0]).toMatchObject({ kind: "btf_id_sock_common", release: true });
    expect(helperById(141)!.args[0]).toMatchObject({ kind: "btf_id", struct: "task_struct" });
    expect(helperById(158)!.returns).toMatchObject({ kind: "btf_id", struct: "task_struct", nullable: false });
  });

  test("every argument and return kind parsed", () => {
    for (const { args, returns } of HELPER_PROTOTYPES) {
      expect([...args, returns].every((value) => typeof value.kind === "string")).toBe(true);
    }
  });

  test("program types, license and packet marks", () => {
    expect(helperById(44)!.programTypes).toEqual(new Set(["xdp"]));
    expect(helperById(9)!.programTypes).toEqual(new Set(["sched_cls", "sched_act", "lwt_xmit", "sk_skb"]));
    expect(helperById(1)!.programTypes.has("tracing")).toBe(true);
    expect(helperById(6)!.gplOnly).toBe(true);
    expect(helperById(5)!.gplOnly).toBe(false);
    expect(helperById(12)!.changesPacket).toBe(true);
    expect(helperById(26)!.changesPacket).toBe(false);
    expect(helperById(1)!.packetAccess).toBe(true);
    expect(helperById(148)!.mightSleep).toBe(true);
  });

  test("some prototypes differ by program type", () => {
    expect(helperById(124, "sched_cls")!.args[1]!.kind).toBe("btf_id_sock_common");
    expect(helperById(124, "sk_lookup")!.args[1]).toMatchObject({ kind: "socket", nullable: true });
  });

  test.each([0, 212, -1, 1.5])("there is no helper %d", (id) => {
    expect(helperById(id)).toBeUndefined();
  });
});
