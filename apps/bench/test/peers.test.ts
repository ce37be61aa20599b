import { execPath } from "node:process";
import { describe, expect, test } from "vitest";
import { race } from "../src/clock.js";
import { objectNamed } from "../src/files.js";
import { parsePeer, peerContender } from "../src/peers.js";
import { udpPacket } from "../src/workloads.js";

const program = objectNamed("raw/empty").programs[0]!;
const METHOD = { quick: true, rounds: 2, round: 1 };

/** A VM that is a line of Node: it prints what it was given, put together by `expression`. */
const vm = (expression: string): string =>
  `"${execPath}" -e 'const input = require("fs").readFileSync(0, "latin1"); console.log(${expression})'`;

describe("parsePeer", () => {
  test("splits at the first =", () => {
    expect(parsePeer("ubpf=ubpf_plugin --x=1")).toEqual({ name: "ubpf", command: "ubpf_plugin --x=1" });
  });

  test.each(["", "ubpf", "=x", "a b=c"])("refuses %j", (text) => {
    expect(() => parsePeer(text)).toThrow(expect.objectContaining({ code: "BAD_PEER" }));
  });
});

describe("a peer", () => {
  test("as a plugin of bpf_conformance: memory in its last argument, the program on standard input", () => {
    const command = vm(
      "(process.argv.at(-1).length / 2 === 72 && input.trim().length % 16 === 0 ? 2 : 3).toString(16)",
    );
    const contender = peerContender({ name: "node", command }, program, udpPacket(), 0.1);
    expect(contender).toMatchObject({ subject: "node", result: 2 });
    expect(race("empty", [contender], METHOD)).toMatchObject([{ samples: 2 }]);
  });

  test("as a command with files", () => {
    const sizes = ["program", "memory"].map((name) =>
      `require("fs").statSync(process.argv[NAME]).size`.replace("NAME", name === "program" ? "1" : "2"),
    );
    const command = `"${execPath}" -e 'console.log("r0 =", "0x" + (${sizes.join(" * 1000 + ")}).toString(16))' {program} {memory}`;
    const contender = peerContender({ name: "node", command }, program, udpPacket(), 0.1);
    expect(contender.result).toBe(program.code.length * 1000 + 72);
    contender.dispose?.();
  });

  test.each([
    ["fails", "exit 3", "status 3"],
    ["prints no number", "echo hello #", "hello"],
    ["is nowhere", "no-such-vm", "status 127"],
  ])("that %s is named", (_, command, reason) => {
    expect(() => peerContender({ name: "other", command }, program, udpPacket(), 0.1)).toThrow(
      expect.objectContaining({
        code: "PEER_FAILED",
        message: expect.stringMatching(new RegExp(`peer other.*${reason}`)),
      }),
    );
  });
});
