import type { Moment } from "../moment.js";
import type { StackReport, TailCallReport } from "../report.js";
import { targetWords } from "./panels.js";

/** Programs drawn with their subprograms; a larger set is drawn by its programs alone. */
const DETAILED_PROGRAMS = 24;

interface Node {
  readonly id: string;
  readonly label: string;
  readonly shape: "entry" | "subprogram" | "array";
}

interface Edge {
  readonly from: string;
  readonly to: string;
  readonly label: string;
  readonly kind: "call" | "tail-call" | "member";
}

interface Graph {
  readonly groups: readonly { readonly id: string; readonly label: string; readonly nodes: readonly Node[] }[];
  readonly arrays: readonly Node[];
  readonly edges: readonly Edge[];
  readonly folded: boolean;
}

/** Subprograms and their calls in each program, tail calls to arrays, arrays to their members. */
function graphOf({ programs, arrays }: StackReport): Graph {
  const folded = programs.length > DETAILED_PROGRAMS;
  const ids = new Map(programs.map(({ program }, index) => [program, `p${index}`]));
  const arrayIds = new Map(arrays.map(({ map }, index) => [map, `a${index}`]));
  const node = (program: string, subprogram: string): string => {
    const at = programs
      .find((one) => one.program === program)!
      .frames.findIndex((frame) => frame.subprogram === subprogram);
    return `${ids.get(program)}_${folded ? 0 : at}`;
  };
  const edges = new Map<string, Edge>();
  const add = (edge: Edge): void => void edges.set(`${edge.from} ${edge.to} ${edge.label}`, edge);
  for (const { program, chains, tailCalls } of programs) {
    if (!folded) for (const { frames } of chains) for (const edge of callEdges(frames, node)) add(edge);
    for (const tailCall of tailCalls) {
      for (const map of tailCall.maps) {
        add({
          from: node(program, tailCall.subprogram),
          to: arrayIds.get(map) ?? map,
          label: tailCallLabel(tailCall),
          kind: "tail-call",
        });
      }
    }
  }
  for (const { map, members } of arrays) {
    for (const { index, program } of members)
      add({ from: arrayIds.get(map)!, to: `${ids.get(program)}_0`, label: `${index}`, kind: "member" });
  }
  return {
    folded,
    groups: programs.map(({ program, type, frames }) => ({
      id: ids.get(program)!,
      label: `${program} (${type})`,
      nodes: frames.slice(0, folded ? 1 : undefined).map(({ subprogram, bytes, rounded }, at) => ({
        id: `${ids.get(program)}_${at}`,
        label: `${subprogram}, ${bytes === rounded ? bytes : `${bytes} → ${rounded}`} bytes`,
        shape: at === 0 ? "entry" : "subprogram",
      })),
    })),
    arrays: arrays.map(({ map, assumed }) => ({
      id: arrayIds.get(map)!,
      label: `${map}${assumed ? " (filled by somebody else)" : ""}`,
      shape: "array",
    })),
    edges: [...edges.values()],
  };
}

function callEdges(frames: Moment, node: (program: string, subprogram: string) => string): Edge[] {
  return frames.slice(1).map((frame, at) => ({
    from: node(frame.program, frames[at]!.subprogram),
    to: node(frame.program, frame.subprogram),
    label: "",
    kind: "call",
  }));
}

function tailCallLabel(tailCall: TailCallReport): string {
  return `slot ${tailCall.slot}, ${targetWords({ maps: [""], ...(tailCall.index === undefined ? {} : { index: tailCall.index }) })}, keeps ${tailCall.kept}`;
}

/** The call and tail-call graph for Graphviz. */
export function drawDot(report: StackReport): string {
  const graph = graphOf(report);
  const quote = (text: string): string => `"${text.replace(/[\\"]/g, "\\$&").replaceAll("\n", " ")}"`;
  const shapes = { entry: "box", subprogram: "ellipse", array: "folder" };
  const styles = { call: "solid", "tail-call": "dashed", member: "dotted" };
  const line = ({ id, label, shape }: Node): string => `${id} [label=${quote(label)}, shape=${shapes[shape]}];`;
  return [
    "digraph stack {",
    "  rankdir=LR; node [fontname=monospace]; edge [fontname=monospace];",
    ...(graph.folded ? [`  label=${quote("subprograms are folded into their programs")};`] : []),
    ...graph.groups.flatMap(({ id, label, nodes }) => [
      `  subgraph cluster_${id} {`,
      `    label=${quote(label)};`,
      ...nodes.map((node) => `    ${line(node)}`),
      "  }",
    ]),
    ...graph.arrays.map((node) => `  ${line(node)}`),
    ...graph.edges.map(
      ({ from, to, label, kind }) => `  ${from} -> ${to} [style=${styles[kind]}, label=${quote(label)}];`,
    ),
    "}",
    "",
  ].join("\n");
}

/** The call and tail-call graph for Mermaid. */
export function drawMermaid(report: StackReport): string {
  const graph = graphOf(report);
  // Mermaid takes HTML's entities, with # for &.
  const quote = (text: string): string =>
    `"${text.replace(/["#<>&]/g, (one) => `#${one.charCodeAt(0)};`).replaceAll("\n", " ")}"`;
  const shape = { entry: ["[", "]"], subprogram: ["(", ")"], array: ["[[", "]]"] } as const;
  const arrow = { call: "-->", "tail-call": "-.->", member: "==>" };
  const line = ({ id, label, shape: of }: Node): string => `${id}${shape[of][0]}${quote(label)}${shape[of][1]}`;
  return [
    "flowchart LR",
    ...(graph.folded ? ["  %% subprograms are folded into their programs"] : []),
    ...graph.groups.flatMap(({ id, label, nodes }) => [
      `  subgraph ${id}[${quote(label)}]`,
      ...nodes.map((node) => `    ${line(node)}`),
      "  end",
    ]),
    ...graph.arrays.map((node) => `  ${line(node)}`),
    ...graph.edges.map(
      ({ from, to, label, kind }) => `  ${from} ${arrow[kind]}${label === "" ? "" : `|${quote(label)}|`} ${to}`,
    ),
    "",
  ].join("\n");
}
