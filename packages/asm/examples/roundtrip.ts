import { AsmError, parse, print, toText } from "@bpfkit/asm";

const { code, labels, references } = parse(`
  r2 = map[counters]      # a map by name
  if r1 == 0 goto out
  call bump
out:
  exit
bump:
  r0 = 1
  exit
`);
console.log(`${code.length} bytes, bump at slot ${labels.get("bump")}`);

const options = { labels: true, references, subprograms: [{ name: "bump", start: 5 }] };
console.log(toText(print(code, { ...options, syntax: "ubpf" })));

try {
  parse("r1 = 5\nr1 += rx");
} catch (error) {
  if (error instanceof AsmError) console.log(error.message);
}
