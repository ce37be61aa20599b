import { existsSync, readFileSync } from "node:fs";
import { isBpfkitError } from "@bpfkit/core";
import { describe, expect, test } from "vitest";
import { type ObjectSpec, parseObject } from "../src/index.js";
import { cpuMilliseconds, filesBelow, SHARED, SHARED_OBJECTS } from "./support.js";

const TRUTH = new URL("truth/objects.jsonl", SHARED);
const parse = (path: string): ObjectSpec =>
  parseObject(readFileSync(new URL(path, SHARED_OBJECTS)), { file: path.replace(/^.*\//, "") });

/** Its section, `len_hist`, says nothing; who attaches it (`ip route … encap bpf xmit`) knows that it is lwt_xmit. */
const TYPE_NOT_IN_NAME = new Set(["linux/lwt_len_hist_kern.o do_len_hist"]);

interface Row {
  readonly object: string;
  readonly section: string;
  readonly program: string;
  readonly type: string;
  readonly slots: number;
  readonly typeGuessed?: boolean;
}

describe.skipIf(!existsSync(SHARED_OBJECTS))(
  "objects of other projects (skipped where shared/objects is not there)",
  () => {
    const paths = filesBelow(SHARED_OBJECTS);
    const valid = paths.filter((path) => !path.startsWith("invalid/"));

    test.each(valid)("%s parses whole", (path) => {
      const { programs, problems } = parse(path);
      expect(problems).toEqual([]);
      expect(programs.length).toBeGreaterThan(0);
    });

    test("all of them together", () => {
      const objects = valid.map(parse);
      const count = (of: "programs" | "maps") => objects.reduce((sum, object) => sum + object[of].length, 0);
      console.log(`${objects.length} objects: ${count("programs")} programs, ${count("maps")} maps, no problem`);
      expect(objects.flatMap(({ problems }) => problems)).toEqual([]);
      expect(count("programs")).toBeGreaterThanOrEqual(objects.length);
    });

    test.each(paths.filter((path) => path.startsWith("invalid/")))(
      "%s gives a result or a typed error, soon",
      (path) => {
        const start = cpuMilliseconds();
        try {
          parse(path);
        } catch (error) {
          expect(isBpfkitError(error)).toBe(true);
        }
        expect(cpuMilliseconds() - start).toBeLessThan(1000);
      },
    );

    describe.skipIf(!existsSync(TRUTH))(
      "as the kernel was given them (skipped where shared/truth is not there)",
      () => {
        const rows: Row[] = existsSync(TRUTH)
          ? readFileSync(TRUTH, "utf8")
              .trim()
              .split("\n")
              .map((line) => JSON.parse(line) as Row)
          : [];
        const objects = new Map(
          existsSync(TRUTH) ? [...new Set(rows.map(({ object }) => object))].map((o) => [o, parse(o)]) : [],
        );

        test.each(rows)("$object $program: $slots slots", ({ object, section, program, slots, type, typeGuessed }) => {
          const found = objects.get(object)?.programs.find(({ name }) => name === program);
          expect(found?.section).toBe(section);
          expect(found?.code.length).toBe(slots * 8);
          if (typeGuessed || TYPE_NOT_IN_NAME.has(`${object} ${program}`)) return;
          expect(found?.type).toBe(type);
        });

        test("no program is missing from the record and none is too many", () => {
          const ours = [...objects.values()].reduce((sum, { programs }) => sum + programs.length, 0);
          expect(ours).toBe(rows.length);
        });
      },
    );

    test("cilium's sections fill its program array", () => {
      const calls = parse("cilium/bpf_overlay.o").maps.find(({ name }) => name === "cilium_calls_111");
      expect(calls?.slots?.map(({ index, name }) => [index, name])).toEqual([
        [1, "__send_drop_notify"],
        [3, "tail_icmp6_send_echo_reply"],
        [5, "tail_icmp6_send_time_exceeded"],
        [4, "tail_icmp6_handle_ns"],
        [7, "tail_handle_ipv4"],
      ]);
    });
  },
);
