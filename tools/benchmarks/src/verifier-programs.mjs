// What the verifier is measured on: programs of objects, and generated ones that go to the limits.
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseObject } from "@bpfkit/elf";
import { build, encode } from "@bpfkit/isa";

const { add64, and64, call, exit, jne, jset, lsh64, mov64, rsh64, st, sub64, xor64 } = build;

const OWN = fileURLToPath(new URL("../../../apps/bench/workloads/objects/", import.meta.url));
const SHARED = process.env.BPFKIT_SHARED ?? fileURLToPath(new URL("../../../../shared/", import.meta.url));

/** Object files and the programs in them of which most is processed; the second list is beside the checkout, or not. A type where the section does not say it. */
const OWN_PROGRAMS = [
  ["xdp/sort.o", "entry"],
  ["xdp/machine.o", "entry"],
  ["xdp/hash.o", "entry"],
  ["xdp/calls.o", "entry"],
  ["programs/large.o", "firewall"],
];
const SHARED_PROGRAMS = [
  ["cilium-core/bpf_sock.o", "cil_sock6_sendmsg"],
  ["cilium-core/bpf_sock.o", "cil_sock6_connect"],
  ["cilium-core/bpf_sock.o", "cil_sock4_connect"],
  ["cilium/bpf_overlay.o", "from_overlay", "sched_cls"],
  ["cilium/bpf_overlay.o", "tail_icmp6_send_time_exceeded", "sched_cls"],
  ["cilium/bpf_lb.o", "from_netdev", "sched_cls"],
  ["suricata/xdp_filter.o", "xdp_hashfilter"],
];

const LIMIT = 1_000_000;
const RANDOM = 7;

function ofObject(folder, [file, name, type]) {
  return {
    name: `${file} ${name}`,
    make() {
      const object = parseObject(readFileSync(`${folder}${file}`));
      const program = object.programs.find((one) => one.name === name);
      const used = new Set(program.references.map(({ map }) => map));
      // Without its BTF: some are of compilers whose BTF this kernel does not take.
      const { btf: _, ...bare } = program;
      return { program: { ...bare, type: type ?? bare.type }, maps: object.maps.filter((map) => used.has(map.name)) };
    },
  };
}

function generated(name, instructions) {
  return {
    name,
    make() {
      const subprograms = [{ name: "main", start: 0, linkage: "global" }];
      const code = encode(instructions());
      return { program: { name: "main", type: "socket_filter", code, subprograms, references: [] }, maps: [] };
    },
  };
}

const repeat = (count, make) => Array.from({ length: count }, (_, index) => make(index));

/** Nothing but moves of constants. */
const moves = () => [...repeat(LIMIT - 1, (index) => mov64.imm(index % 10, 0)), exit()];

/** Sums of ten registers that all live to the end, so that what is known differs at each instruction. */
const sums = () => [
  ...repeat(10, (index) => mov64.imm(index, index)),
  ...repeat(LIMIT - 20, (index) => (index % 2 === 0 ? add64.imm(index % 10, index) : xor64.reg(index % 10, 9))),
  ...repeat(9, (index) => add64.reg(0, index + 1)),
  exit(),
];

/** A counted loop whose last round is the last that is processed. */
const loop = () => [
  mov64.imm(0, 0),
  mov64.imm(9, (LIMIT - 4) / 4),
  mov64.imm(1, 1),
  add64.reg(0, 9),
  and64.imm(0, 0xff),
  sub64.imm(9, 1),
  jne.imm(9, 0, -4),
  exit(),
];

/** Branches on unknown bits whose sums are offsets, so that few paths are like another. */
const branches = () => [
  call(RANDOM),
  mov64.reg(6, 0),
  mov64.imm(7, 0),
  ...repeat(16, (bit) => [jset.imm(6, 1 << bit, 1), add64.imm(7, 1 << bit)]).flat(),
  lsh64.imm(7, 8),
  rsh64.imm(7, 60),
  mov64.reg(1, 10),
  add64.reg(1, 7),
  st.u8(1, -16, 0),
  mov64.imm(0, 0),
  exit(),
];

/** All programs; those of objects beside the checkout only where they are there. */
export const PROGRAMS = [
  generated("a straight line of moves", moves),
  generated("a straight line of sums", sums),
  generated("a loop to the limit", loop),
  generated("branches", branches),
  ...OWN_PROGRAMS.map((place) => ofObject(OWN, place)),
  ...(existsSync(`${SHARED}objects`) ? SHARED_PROGRAMS.map((place) => ofObject(`${SHARED}objects/`, place)) : []),
];
