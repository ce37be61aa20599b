import { readFileSync } from "node:fs";
import { parseObject } from "@bpfkit/elf";

const bytes = readFileSync(new URL("../../../examples/mixed.o", import.meta.url));
const object = parseObject(bytes, { file: "mixed.o" });

for (const { name, type, section, code, subprograms, references } of object.programs) {
  console.log(`${name} (${type}, section ${section}): ${code.length / 8} slots`);
  for (const { name, start, linkage } of subprograms) console.log(`  slot ${start}: ${linkage} ${name}`);
  for (const reference of references) console.log(`  slot ${reference.slot} refers to`, reference);
}
for (const { name, type, maxEntries, slots } of object.maps) {
  console.log(`${name}: ${type} of ${maxEntries}, filled with`, slots);
}
console.log(`license ${object.license}, problems: ${object.problems.length}`);
