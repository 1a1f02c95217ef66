/** Histograms of margins, added up and laid out. */

import type { Histogram, Overview } from "./report.ts";

export interface Bar {
  label: string;
  count: number;
  /** Whether the margins in it are beyond the limit. */
  beyond: boolean;
}

/** The sum of some histograms: the margin 0, what is between, each bin by its upper edge, and ∞. */
export function bars(overview: Overview, histograms: Histogram[]): Bar[] {
  const perDecade = overview.bins_per_decade;
  const [first, last] = overview.range.map((edge) => Math.round(Math.log10(edge) * perDecade)) as [number, number];
  const sum = (of: (histogram: Histogram) => number) => histograms.reduce((total, one) => total + of(one), 0);
  const made: Bar[] = [{ label: "0", count: sum(({ zero }) => zero), beyond: false }];
  for (let k = first; k <= last + 1; k += 1) {
    const count = sum(({ bins }) => bins[k] ?? 0);
    const [low, high] = [edge((k - 1) / perDecade), edge(k / perDecade)];
    const label = k === first ? `up to ${high}` : k > last ? `above ${low}` : `${low} to ${high}`;
    made.push({ label, count, beyond: k > 0 });
  }
  return [...made, { label: "∞", count: sum(({ infinite }) => infinite), beyond: true }];
}

const edge = (exponent: number) => String(Number((10 ** exponent).toPrecision(2)));
