import { actionName, helperByName, mapCreationErrno, profileFor, programTypeByName } from "@bpfkit/abi";

const lookup = helperByName("map_lookup_elem");
console.log(lookup?.id, lookup?.args.map((argument) => argument.kind).join(", "));

const map = { name: "jump_table", type: "prog_array", keySize: 4, valueSize: 8, maxEntries: 1, flags: 0 };
console.log(map.name, mapCreationErrno(map));

console.log(programTypeByName("xdp").context, actionName("xdp", 2n));

for (const version of ["5.9", "5.10", "6.12"]) {
  const { mixed, tailCallCount } = profileFor(version, "x86-64");
  console.log(version, mixed ? `calls and tail calls mix, the count is ${tailCallCount}` : "calls or tail calls");
}
