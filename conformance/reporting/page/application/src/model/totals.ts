/** Numbers of checks, always with their denominator. */

import type { Cell } from "./results.ts";

/** The kinds of checks by their tone, and how they are told. */
export const KINDS = [
  { tone: "conforms", column: "conforms", phrase: "conform" },
  { tone: "deviates", column: "deviates", phrase: "deviate as recorded" },
  { tone: "unsupported", column: "unsupported", phrase: "unsupported" },
  { tone: "unspecified", column: "unspecified", phrase: "unspecified" },
  { tone: "finding", column: "findings", phrase: "failed" },
  { tone: "broken", column: "broken", phrase: "broken" },
  { tone: "not-run", column: "not_run", phrase: "not run" },
] as const;

type Column = (typeof KINDS)[number]["column"];

export type Totals = Record<Column, number> & { checks: number };

export function total(cells: Iterable<Cell>): Totals {
  const sums = Object.fromEntries([["checks", 0], ...KINDS.map(({ column }) => [column, 0])]) as Totals;
  for (const cell of cells) {
    for (const { column } of KINDS) {
      sums[column] += cell[column];
      sums.checks += cell[column];
    }
  }
  return sums;
}

const format = new Intl.NumberFormat("en");

export const count = (n: number) => format.format(n);

export const plural = (n: number, word: string) => `${count(n)} ${word}${n === 1 ? "" : "s"}`;

/** "1,180 of 1,200 checks conform" */
export const headline = (totals: Totals) => `${count(totals.conforms)} of ${count(totals.checks)} checks conform`;

/** "5 deviate as recorded, 15 failed": the kinds that there are, but for those that conform. */
export function rest(totals: Totals): string {
  const others = KINDS.slice(1).filter(({ column }) => totals[column] > 0);
  return others.map(({ column, phrase }) => `${count(totals[column])} ${phrase}`).join(", ");
}

export const sentence = (totals: Totals) => [headline(totals), rest(totals)].filter(Boolean).join(", ");
