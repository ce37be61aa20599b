import { helperById } from "@bpfkit/abi";
import { fixedEffects, helperTable } from "@bpfkit/helpers";

const table = helperTable();
console.log(`${table.size} helpers and kernel functions, among them`);
for (const id of [1, 6, 12, 181]) console.log(id, table.get(id)?.kind, helperById(id)?.name);

const effects = fixedEffects({ clock: 1_000n, seed: 42 });
console.log(effects.clock(), effects.clock(), effects.random());
