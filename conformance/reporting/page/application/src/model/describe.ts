/** What a cell says, in words. */

import type { Cell } from "./results.ts";
import { shortName, showMargin } from "./show.ts";
import { sentence, total } from "./totals.ts";

export function describe(cell: Cell): string {
  const margin = showMargin(cell.worst_margin);
  return `${cell.backend} ${cell.verdict}: ${sentence(total([cell]))}${margin && `; worst margin ${margin}`}`;
}

/** The cells of all backends of one subject and property, in few words: there are thousands of them. */
export function nameAll(subject: string, property: string, cells: (Cell | undefined)[]): string {
  const found = cells.flatMap((cell) => (cell ? `${cell.backend} ${cell.verdict}` : []));
  return `${shortName(subject)}, ${property}: ${found.join(", ") || "never asked"}`;
}
