// What bpfkit is for, in ten seconds. `npm start` runs this; so does `node examples/tour.mjs` after `npm run build`.
import { readFileSync } from "node:fs";
import { sourceLineAt } from "@bpfkit/core";
import { load } from "@bpfkit/vm";

const open = (name) => load(readFileSync(new URL(name, import.meta.url)), { file: name });

console.log(`
1. The same function, once inlined and once called (examples/inlined-and-called.c)

   clang inlines a plain static function, so the called one is marked noinline.
`);
const pair = open("inlined-and-called.o");
const row = (...cells) => console.log(`   ${cells.map((cell, column) => String(cell).padEnd(column === 0 ? 18 : 13)).join("")}`);
row("program", "slots", "bytes", "functions", "instructions", "result");
for (const name of ["xdp_drop_inlined", "xdp_drop"]) {
  const runnable = pair.program(name);
  const { code, subprograms } = runnable.program;
  const { instructions, r0, action } = runnable.run({ data: new Uint8Array(64) });
  row(name, code.length / 8, code.length, subprograms.length, instructions, `${action} (${r0})`);
}
pair.dispose();

console.log(`
2. Calls and tail calls mixed: entry → subprogram → tail call → back in the entry (examples/mixed.c)

   The tail call replaces the frame of the subprogram only. What the target returns goes to the entry, which goes on
   with its registers and its stack as they were.
`);
const mixed = open("mixed.o");
const lineOf = ({ program, slot }) => {
  const line = sourceLineAt(mixed.program(program).program, slot);
  return line === undefined ? "" : `   ${line.text}`;
};
const say = (depth, what, line = "") => console.log(`   ${`${"│ ".repeat(depth - 1)}${what}`.padEnd(56)}${line}`);

function showFrame(event) {
  if (event.kind === "push") say(event.depth, `┌ ${event.frame.subprogram}${event.depth === 1 ? " begins" : " is called"}`);
  if (event.kind === "pop") say(event.depth, `└ ${event.frame.subprogram} returns ${BigInt.asIntN(32, event.r0)}`);
  if (event.kind === "tail-call") {
    say(event.depth, `↻ ${event.from.subprogram} is replaced by ${event.to.subprogram}: ${event.map}[${event.index}], tail call ${event.count}`, lineOf(event.from));
  }
  if (event.kind === "missed-tail-call") {
    say(2, `✗ ${event.frame.subprogram}: ${event.map}[${event.index}] is ${event.reason}, it goes on behind the call`, lineOf(event.frame));
  }
}

const entry = mixed.program("entry");
const { r0 } = entry.run({ data: new Uint8Array(64) }, { onFrame: showFrame });
console.log(`\n   result ${r0}: 40 from the target, 2 from the entry's register and stack\n`);

mixed.setSlot("programs", 0, undefined);
console.log("   The same with the slot emptied: the tail call is missed, and the subprogram's 7 comes back.\n");
const missed = entry.run({ data: new Uint8Array(64) }, { onFrame: showFrame });
console.log(`\n   result ${missed.r0}\n`);
mixed.dispose();

console.log(`3. On your own object

   node apps/cli/bin/bpfkit.js inspect your.o
   node apps/cli/bin/bpfkit.js run your.o --program your_program --data-hex 00112233…
`);
