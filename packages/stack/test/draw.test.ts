import { profileFor } from "@bpfkit/abi";
import { analyseStack, drawDot, drawHtml, drawMermaid, drawReport, reportStack } from "@bpfkit/stack";
import { describe, expect, test } from "vitest";
import { call, JUMPS, leave, program, reportOf, tailCall, use } from "./programs.js";

const HOSTILE = `<script>alert("1")</script>&'\\`;
const hostile = {
  ...program("main", [
    [...use(8), call(1), ...leave],
    [...tailCall(0), ...leave],
  ]),
  name: HOSTILE,
};
const maps = [{ ...JUMPS, slots: [{ index: 0, of: "program", name: HOSTILE }] as const }];
const report = reportStack(analyseStack({ programs: [hostile], maps }), profileFor());

describe("names of any kind stay text", () => {
  test("in SVG and HTML", () => {
    for (const drawn of [drawReport(report.programs), drawHtml([report], HOSTILE)]) {
      expect(drawn).not.toContain("<script>");
      expect(drawn).toContain("&lt;script&gt;");
    }
  });

  test("in DOT and Mermaid", () => {
    expect(drawDot(report)).toContain(String.raw`<script>alert(\"1\")</script>&'\\`);
    expect(drawMermaid(report)).toContain("#60;script#62;alert(#34;1#34;)#60;/script#62;#38;");
  });
});

/** Texts of an SVG: where they stand, and how wide they can be in a wide font. */
function texts(svg: string) {
  return [...svg.matchAll(/<text([^>]*) x="([\d.]+)" y="([\d.]+)"([^>]*)>([^<]*)/g)].map(
    ([, before, x, y, after, text]) => {
      const character = before!.includes("title") ? 8.6 : before!.includes("name") ? 7.4 : 6.5;
      const plain = text!.replace(/&\w+;|&#\d+;/g, "x");
      const width = plain.length * character;
      const left = after!.includes("end") ? Number(x) - width : Number(x);
      return { left, right: left + width, y: Number(y), text: plain };
    },
  );
}

describe.each([600, 960, 1600])("a picture of %i pixels", (width) => {
  const long = "a_rather_long_name_of_a_program_that_does_not_fit_anywhere";
  const bodies = [
    [...use(240), call(1), ...leave],
    [...use(0), call(2), ...leave],
    [...use(272), ...tailCall(0), ...leave],
  ];
  const made = reportOf([program(long, bodies)]);
  const svg = drawReport([made], width);

  test("is so wide, with no text over another or over its panel's edge", () => {
    expect(svg).toContain(`width="${width}"`);
    for (const panel of svg.split("<g transform").slice(1, -1)) {
      const all = texts(panel);
      expect(all.length).toBeGreaterThan(6);
      for (const [at, one] of all.entries()) {
        expect(one.right).toBeLessThanOrEqual(400);
        for (const other of all.slice(at + 1)) {
          const apart = Math.abs(one.y - other.y) >= 11 || one.right <= other.left || other.right <= one.left;
          expect([one.text, other.text, apart]).toEqual([one.text, other.text, true]);
        }
      }
    }
  });

  test("folds what repeats and says all of it in words", () => {
    expect(svg).toContain("30 × ");
    expect(svg).toContain("<desc");
    expect(svg).toContain("frames folded");
  });
});

test("many tail calls: the heaviest are drawn, the rest is counted", () => {
  const main = program("main", [[...Array.from({ length: 20 }, () => tailCall(7)).flat(), ...leave]]);
  const svg = drawReport([reportOf([main])]);
  expect(svg).toContain("9 more tail calls are not drawn; each keeps 0 bytes or less");
  expect(svg.split("<g transform").length - 2).toBe(12);
});

test("a set of many programs is drawn by its programs", () => {
  const programs = Array.from({ length: 30 }, (_, index) =>
    program(`p${index}`, [[call(1), ...tailCall(0), ...leave], [...leave]]),
  );
  const many = reportStack(analyseStack({ programs, maps: [JUMPS] }), profileFor());
  expect(drawDot(many)).toContain("subprograms are folded into their programs");
  expect(drawMermaid(many)).not.toContain("f1");
});
