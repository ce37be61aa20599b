import { parse } from "@bpfkit/asm";
import { load, programFromCode } from "@bpfkit/vm";

// Usually: load(readFileSync("lb.o")). Here the object is made of text.
const { code, references } = parse(`
  r6 = r1; r2 = r10; r2 += -4; *(u32 *)(r10 - 4) = 0; r1 = map[seen]; call 1
  if r0 == 0 goto out; r1 = 1; lock *(u64 *)(r0 + 0) += r1
  out: r0 = 2; exit`);
const vm = load({
  programs: [programFromCode(code, { name: "count", type: "xdp", references })],
  maps: [{ name: "seen", type: "array", keySize: 4, valueSize: 8, maxEntries: 1, flags: 0 }],
});
vm.seed("seen", [{ key: "00000000", value: "2800000000000000" }]);

const packet = new Uint8Array(64);
for (let index = 0; index < 2; index++) {
  const { action, instructions, fault } = vm.program("count").run({ data: packet });
  console.log(action, instructions, fault?.message);
}
console.log(vm.dumpMaps());
vm.dispose();
