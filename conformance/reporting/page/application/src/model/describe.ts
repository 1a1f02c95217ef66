/** What a cell says, in words. */

import type { Cell } from "./results.ts";
import { shortName, showMargin } from "./show.ts";
import { sentence, total } from "./totals.ts";

export function describe(cell: Cell): string {
  const margin = showMargin(cell.worst_margin);
  return `${cell.backend} ${cell.verdict}: ${sentence(total([cell]))}${margin && `; worst margin ${margin}`}`;
}

/** The cells of all backends of one subject and property. */
export function describeAll(subject: string, property: string, cells: (Cell | undefined)[]): string {
  const found = cells.filter((cell) => cell !== undefined).map(describe);
  return [`${shortName(subject)}, ${property}`, ...(found.length ? found : ["never asked"])].join("\n");
}
