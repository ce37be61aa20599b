import { type Program, sourceLineAt } from "@bpfkit/core";
import { readCode } from "./code.js";
import { factAt, type InstructionFact, type RegisterFact } from "./facts.js";
import { instructionText } from "./format.js";
import type { Verdict } from "./verdict.js";

/** What a kind of message means and what usually helps. `$1`, `$2`: groups of its pattern. */
interface Advice {
  readonly pattern: RegExp;
  readonly means: string;
  readonly helps: string;
}

const ADVICE: readonly Advice[] = [
  {
    pattern: /^Tracing programs must provide btf_id/m,
    means: "What the program attaches to gives its arguments their types, and only the running kernel's BTF knows it.",
    helps: "Load it with libbpf on the kernel it is for; `attachTo` of a Program says that the target was found.",
  },
  {
    pattern: /^R(\d+) invalid mem access '(\w+)_or_null'/m,
    means: "r$1 may be a null pointer ($2) here.",
    helps: "Compare it with 0 after the call that made it, and use it only where it is not 0.",
  },
  {
    pattern: /^R(\d+) invalid mem access 'scalar'/m,
    means: "r$1 is a number here, not a pointer: it never was one, or it stopped being one.",
    helps:
      "A pointer becomes a number when it is stored in fewer than 8 bytes, changed by 32-bit arithmetic, or when a helper that moves the packet, gives a reference back or tail-calls was called in between: load it again after that call.",
  },
  {
    pattern: /^R(\d+) offset is outside of the packet/m,
    means: "Nothing on this path has shown that the packet is long enough for this access through r$1.",
    helps: "Compare the pointer plus the bytes you need with data_end first, and read on the branch where it fits.",
  },
  {
    pattern: /^R(\d+) (?:min|max) value is outside of the allowed memory range/m,
    means: "The offset added to r$1 may leave the object it points to.",
    helps: "Bound the index before it is added: `if (i < N)` with an unsigned i, or `i &= N - 1`.",
  },
  {
    pattern: /^R(\d+) (?:unbounded memory access|min value is negative)/m,
    means: "The number in r$1 has no bound that keeps the access inside.",
    helps: "Make it unsigned and compare it with the size, or mask it, on the same path and before use.",
  },
  {
    pattern: /register with unbounded min value is not allowed/,
    means: "A number without bounds is added to a pointer.",
    helps: "Bound it first: mask it with a constant or compare it from both sides.",
  },
  {
    pattern: /^R(\d+) !read_ok/m,
    means: "r$1 holds nothing here: it was not set on this path, or a call destroyed it.",
    helps: "r0–r5 do not survive calls: keep values in r6–r9 or on the stack.",
  },
  {
    pattern: /cannot return stack pointer to the caller/,
    means: "A subprogram returns a pointer to its stack, which is gone when it returns.",
    helps: "Let the caller make the buffer and pass its address down.",
  },
  {
    pattern: /cannot spill pointers to stack into stack frame of the caller/,
    means: "A subprogram stores a pointer to its own stack in its caller's stack, where it would outlive its frame.",
    helps: "Store a value or an offset instead.",
  },
  {
    pattern: /combined stack size of (\d+) calls is (\d+)/,
    means: "$1 frames along one chain of calls need $2 bytes of stack together; 512 are allowed.",
    helps: "Move large buffers into a per-CPU array map, or make calls that need them siblings instead of nested.",
  },
  {
    pattern: /tail_calls are not allowed when call stack of previous frames is (\d+)/,
    means:
      "The frames before the subprogram that tail-calls hold $1 bytes; they may be kept 33 times, so they must stay below 256.",
    helps: "Tail-call from the entry, or use less stack in the callers.",
  },
  {
    pattern: /infinite loop detected|The sequence of \d+ jumps|program is too large/,
    means: "The loop does not end within what the verifier walks.",
    helps:
      "Give the loop a constant bound that the compiler keeps, use bpf_for() or bpf_loop(), or split the program by tail calls. In a bpf_for() loop, what changes from round to round and decides an address must be bounded in the round that uses it.",
  },
  {
    pattern: /would lead to reference leak/,
    means: "Something that was acquired is not given back on this path.",
    helps:
      "Release the socket, submit or discard the record, or destroy the iterator on every path, also where an error is handled.",
  },
  {
    pattern: /expected an initialized iter_(\w+) as arg #0/,
    means: "There is no iterator at this address: it was not made, was destroyed, or something was stored over it.",
    helps:
      "Make it with bpf_iter_$1_new() on every path to here, and let nothing else use its bytes; bpf_for() does both.",
  },
  {
    pattern: /expected uninitialized iter_(\w+) as arg #0/,
    means: "There is an iterator at this address already.",
    helps: "Destroy it first with bpf_iter_$1_destroy(), or give each of nested loops its own.",
  },
  {
    pattern: /cannot be used inside bpf_(rcu_read_lock|preempt_disable)-ed region/,
    means: "The region that bpf_$1() begins is not left on this path.",
    helps: "End it on every path before the program ends, tail-calls or loads from the packet the old way.",
  },
  {
    pattern: /invalid (?:read from|write to) stack/,
    means: "The access lies outside of the frame's 512 bytes.",
    helps: "Check the buffer's size and the offset; the frame ends at r10.",
  },
  {
    pattern: /program of this type cannot use helper (\w+)/,
    means: "$1 is not there for this program type.",
    helps: "Choose another helper or another program type.",
  },
];

function registerWords(fact: RegisterFact): string {
  if (fact.kind === "unread") return "";
  const range = fact.umin === fact.umax ? `${fact.umin}` : `${fact.umin} to ${fact.umax}`;
  const isUnknown = fact.umin === 0n && fact.umax === (1n << 64n) - 1n;
  if (fact.kind === "scalar") return isUnknown ? "any number" : `a number, ${range}`;
  const map = fact.map === undefined ? "" : ` of map ${fact.map}`;
  return `${fact.kind}${map}${fact.mayBeNull ? " or null" : ""}`;
}

function knownLines(fact: InstructionFact | undefined): string[] {
  if (fact === undefined || fact.dead) return [];
  return fact.registers.flatMap((known) => {
    const words = registerWords(known);
    return words === "" || known.register === 10 ? [] : [`  r${known.register}: ${words}`];
  });
}

/** The last instruction before `slot` that set a register, where it is on the straight way here. */
function lastWriter(program: Program, slot: number, register: number): string | undefined {
  const code = readCode(program);
  for (let at = slot - 1; at >= 0; at--) {
    const opcode = code.opcode[at]!;
    const kind = opcode & 7;
    const isCall = opcode === 0x85;
    const isJump = kind === 5 || kind === 6;
    if (isCall && register <= 5) return `${at}: ${instructionText(code, at)}`;
    if (!isJump && kind !== 2 && kind !== 3 && code.dst[at] === register && opcode !== 0) {
      return `${at}: ${instructionText(code, at)}`;
    }
  }
  return undefined;
}

function place(program: Program, slot: number): string {
  const source = sourceLineAt(program, slot);
  const where = source === undefined ? "" : ` (${source.file}:${source.line}: ${source.text})`;
  return `Instruction ${slot}: ${instructionText(readCode(program), slot)}${where}`;
}

const fill = (text: string, groups: readonly string[]): string =>
  text.replace(/\$(\d)/g, (_, number: string) => groups[Number(number)] ?? "");

/**
 * Explains a rejection in plain words: the instruction and its source line, what was known there, which instruction made
 * the register what it is, what the message means, and what usually helps. Of an accepted program it says so.
 */
export function explain(program: Program, verdict: Verdict): string {
  if (verdict.verdict === "accept") return "The program is accepted: there is nothing to explain.";
  const message = verdict.message ?? "";
  const slot = Math.min(verdict.slot ?? 0, program.code.length / 8 - 1);
  const lines = program.code.length < 8 ? [] : [place(program, slot)];
  const known = knownLines(verdict.facts && factAt(verdict.facts, slot));
  if (known.length > 0) lines.push("Known before it, over all paths so far:", ...known);
  const register = /^R(\d+) /m.exec(message)?.[1];
  const writer = register === undefined ? undefined : lastWriter(program, slot, Number(register));
  if (writer !== undefined) lines.push(`r${register} was last set by ${writer}`);
  const advice = ADVICE.find(({ pattern }) => pattern.test(message));
  if (advice !== undefined) {
    const groups = advice.pattern.exec(message) ?? [];
    lines.push(fill(advice.means, groups), fill(advice.helps, groups));
  }
  return lines.join("\n");
}
