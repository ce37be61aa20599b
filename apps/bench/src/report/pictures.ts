import type { Results } from "../results.js";

/** A page with plots and tables, whole in itself. The plot library is loaded here and nowhere else. */
export async function htmlOf(results: Results): Promise<string> {
  return (await import("./pages.js")).htmlOf(results);
}

/** All plots as one SVG picture. */
export async function svgOf(results: Results): Promise<string> {
  return (await import("./pages.js")).svgOf(results);
}
