/** The benchmark runner behind `bpfkit bench`. */

export type { BenchOptions } from "./bench.js";
export { bench } from "./bench.js";
export type { BenchErrorCode } from "./error.js";
export { BenchError } from "./error.js";
export type { GivenObject } from "./parts/objects.js";
export type { Peer } from "./peers.js";
export { parsePeer } from "./peers.js";
export { htmlOf, svgOf } from "./report/pictures.js";
export type { Table } from "./report/tables.js";
export { ratiosOf, tablesOf } from "./report/tables.js";
export { machineLines, markdownOf, skippedLines } from "./report/text.js";
export type { Group, Machine, Measure, Method, Result, Results, Skipped, Summary } from "./results.js";
export { keyOf } from "./results.js";
export { parseResults, rowsOf } from "./rows.js";
export type { Moved } from "./statistics.js";
export { geometricMean, movedBetween, ratioOf, spreadOf, summarise } from "./statistics.js";
