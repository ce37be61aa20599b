import { describe, expect, test } from "vitest";
import { parseObject, sectionType } from "../src/index.js";
import { buildElf, CALL, CODE, EXIT, FUNC, GLOBAL, MOV, type SlotInput, type SymbolInput, slots } from "./build-elf.js";
import { subprograms, targets } from "./support.js";

const code = (name: string, ...rows: SlotInput[]) => ({ name, ...CODE, data: slots(...rows) });

const parse = (sections: ReturnType<typeof code>[], symbols: readonly SymbolInput[] = []) =>
  parseObject(buildElf({ sections, symbols }));

const entries = (object: ReturnType<typeof parseObject>) =>
  object.programs.map(({ name, section, code }) => [name, section, code.length / 8]);

describe("what is an entry", () => {
  test("global symbols without a type or size, as old compilers leave them", () => {
    const object = parse(
      [code("xdp", MOV(1), EXIT, MOV(2), MOV(3), EXIT)],
      [
        { name: "one", binding: GLOBAL, section: 0, value: 0 },
        { name: "two", binding: GLOBAL, section: 0, value: 16 },
        { name: "LBB0_1", section: 0, value: 8 },
      ],
    );
    expect(entries(object)).toEqual([
      ["one", "xdp", 2],
      ["two", "xdp", 3],
    ]);
  });

  test("a section without symbols is one program of its name", () => {
    expect(entries(parse([code("xdp/drop", MOV(1), EXIT)]))).toEqual([["xdp/drop", "xdp/drop", 2]]);
  });

  test("static functions where a section has no global one", () => {
    const object = parse(
      [code("xdp", EXIT, EXIT)],
      [
        { name: "a", type: FUNC, section: 0, value: 0, size: 8 },
        { name: "b", type: FUNC, section: 0, value: 8, size: 8 },
      ],
    );
    expect(entries(object)).toEqual([
      ["a", "xdp", 1],
      ["b", "xdp", 1],
    ]);
  });

  test("functions of .text are none where another section holds programs", () => {
    const object = parse(
      [code(".text", EXIT), code("xdp", CALL(-1), EXIT)],
      [
        { name: "helper", type: FUNC, binding: GLOBAL, section: 0, size: 8 },
        { name: "main", type: FUNC, binding: GLOBAL, section: 1, size: 16 },
      ],
    );
    expect(entries(object)).toEqual([["main", "xdp", 2]]);
  });

  test("of two names for one place a global one counts", () => {
    const object = parse(
      [code("xdp", EXIT)],
      [
        { name: "local", type: FUNC, section: 0, size: 8 },
        { name: "main", type: FUNC, binding: GLOBAL, section: 0, size: 8 },
        { name: "alias", type: FUNC, binding: GLOBAL, section: 0, size: 8 },
      ],
    );
    expect(entries(object)).toEqual([["main", "xdp", 1]]);
  });

  test("a second program of the same name is a problem", () => {
    const object = parse(
      [code("xdp", EXIT), code("tc", EXIT)],
      [
        { name: "main", type: FUNC, binding: GLOBAL, section: 0, size: 8 },
        { name: "main", type: FUNC, binding: GLOBAL, section: 1, size: 8 },
      ],
    );
    expect(entries(object)).toEqual([["main", "xdp", 1]]);
    expect(object.problems).toEqual([expect.objectContaining({ code: "DUPLICATE_NAME", program: "main" })]);
  });

  test("a section marked with ? is called as if it were not", () => {
    expect(entries(parse([code("?xdp", EXIT)]))).toEqual([["?xdp", "xdp", 1]]);
  });

  test("an object without any code", () => {
    expect(parse([])).toMatchObject({ programs: [], maps: [], problems: [] });
  });
});

describe("calls of functions without a symbol", () => {
  const main = { name: "main", type: FUNC, binding: GLOBAL, section: 0, size: 16 };

  test("behind a sized function: named by section and offset", () => {
    const object = parse([code("xdp", CALL(1), EXIT, MOV(1), CALL(1), EXIT, EXIT)], [main]);
    expect(object.programs.map(subprograms)).toEqual([["main", "xdp+0x10", "xdp+0x28"]]);
    expect(targets(object.programs[0]!)).toEqual(["xdp+0x10", "xdp+0x28"]);
    expect(object.programs[0]?.code.length).toBe(48);
  });

  test("behind a function without a size: it ends where the called one begins", () => {
    const object = parse([code("xdp", CALL(1), EXIT, EXIT, EXIT)], [{ name: "main", binding: GLOBAL, section: 0 }]);
    expect(object.programs[0]?.subprograms.map(({ name, start, linkage }) => [name, Number(start), linkage])).toEqual([
      ["main", 0, "global"],
      ["xdp+0x10", 2, "static"],
    ]);
  });

  test("named by a local label, as assembly leaves one", () => {
    const object = parse([code("xdp", CALL(1), EXIT, EXIT)], [main, { name: "helper", section: 0, value: 16 }]);
    expect(object.programs.map(subprograms)).toEqual([["main", "helper"]]);
  });

  test("the entry itself, and a subprogram that calls its caller", () => {
    const object = parse([code("xdp", CALL(-1), CALL(1), EXIT, CALL(-4), EXIT)], [{ ...main, size: 24 }]);
    expect(subprograms(object.programs[0]!)).toEqual(["main", "xdp+0x18"]);
    expect(targets(object.programs[0]!)).toEqual(["main", "xdp+0x18", "main"]);
  });
});

describe("program types by section name", () => {
  test.each([
    ["xdp", "xdp", "xdp", undefined],
    ["xdp.frags", "xdp", "xdp", 32],
    ["xdp/cpumap", "xdp", "xdp_cpumap", undefined],
    ["xdp.frags/devmap", "xdp", "xdp_devmap", 32],
    ["xdp_prog", "xdp", "xdp", undefined],
    ["xdp/anything", "xdp", "xdp", undefined],
    ["tc", "sched_cls", undefined, undefined],
    ["?tc", "sched_cls", undefined, undefined],
    ["tc/entry", "sched_cls", undefined, undefined],
    ["tc/egress", "sched_cls", "tcx_egress", undefined],
    ["tcx/ingress", "sched_cls", "tcx_ingress", undefined],
    ["classifier", "sched_cls", undefined, undefined],
    ["classifier_ingress", "sched_cls", undefined, undefined],
    ["action", "sched_act", undefined, undefined],
    ["socket", "socket_filter", undefined, undefined],
    ["socket1", "socket_filter", undefined, undefined],
    ["socket_filter", "socket_filter", undefined, undefined],
    ["sockops", "sock_ops", "cgroup_sock_ops", undefined],
    ["kprobe/sys_execve", "kprobe", undefined, undefined],
    ["kprobe.multi/tcp_*", "kprobe", "trace_kprobe_multi", undefined],
    ["uprobe.s//bin/sh:main", "kprobe", undefined, 16],
    ["tracepoint/sched/sched_switch", "tracepoint", undefined, undefined],
    ["tp/sched/sched_switch", "tracepoint", undefined, undefined],
    ["tp_btf/sched_switch", "tracing", "trace_raw_tp", undefined],
    ["raw_tp/sys_enter", "raw_tracepoint", undefined, undefined],
    ["raw_tp.w/x", "raw_tracepoint_writable", undefined, undefined],
    ["fentry/tcp_connect", "tracing", "trace_fentry", undefined],
    ["fexit.s/x", "tracing", "trace_fexit", 16],
    ["freplace/f", "ext", undefined, undefined],
    ["lsm/file_open", "lsm", "lsm_mac", undefined],
    ["iter/task", "tracing", "trace_iter", undefined],
    ["cgroup_skb/ingress", "cgroup_skb", "cgroup_inet_ingress", undefined],
    ["cgroup/skb", "cgroup_skb", undefined, undefined],
    ["cgroup/connect4", "cgroup_sock_addr", "cgroup_inet4_connect", undefined],
    ["cgroup/sock_release", "cgroup_sock", "cgroup_inet_sock_release", undefined],
    ["cgroup/dev", "cgroup_device", "cgroup_device", undefined],
    ["sk_skb/stream_verdict", "sk_skb", "sk_skb_stream_verdict", undefined],
    ["sk_msg", "sk_msg", "sk_msg_verdict", undefined],
    ["sk_lookup", "sk_lookup", "sk_lookup", undefined],
    ["lwt_in", "lwt_in", undefined, undefined],
    ["perf_event", "perf_event", undefined, undefined],
    ["struct_ops/init", "struct_ops", undefined, undefined],
    ["syscall", "syscall", undefined, 16],
    ["test", "raw", undefined, undefined],
    ["tcp_test", "raw", undefined, undefined],
    [".text", "raw", undefined, undefined],
    ["", "raw", undefined, undefined],
  ])("%s", (name, type, expectedAttachType, flags) => {
    expect(sectionType(name)).toEqual({ type, expectedAttachType, flags });
  });
});
