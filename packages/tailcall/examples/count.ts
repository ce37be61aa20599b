import { countTailCalls } from "@bpfkit/tailcall";

// The entry calls a subprogram twice; the subprogram tail-calls the entry.
const model = { main: [{ call: [{ tailCall: "main" }] }, { call: [{ tailCall: "main" }] }] };

console.log("6.12:", countTailCalls(model, "main", { tailCallLimit: 33, tailCallCount: "shared" }));
console.log("5.10, were its limit 5:", countTailCalls(model, "main", { tailCallLimit: 5, tailCallCount: "by-value" }));
