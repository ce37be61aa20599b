/** A process of `parts/calls.ts`: prints the bytes of resident memory that each further VM takes, with the subject in argv. */
import { prepare } from "./prepare.js";
import { SUBJECTS } from "./subjects.js";
import { WORKLOADS } from "./workloads.js";

const VMS = 32;
const subject = SUBJECTS.find(({ name }) => name === process.argv[2])!;
const empty = WORKLOADS.find(({ group, name }) => group === "compute" && name === "empty")!;
// The first ones load code and data that all share.
const vms = [prepare(empty, subject), prepare(empty, subject)];
const before = process.memoryUsage.rss();
for (let made = 0; made < VMS; made++) vms.push(prepare(empty, subject));
console.log(Math.max(process.memoryUsage.rss() - before, 0) / VMS);
