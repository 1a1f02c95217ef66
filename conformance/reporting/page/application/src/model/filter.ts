/** Which of the results are shown; no value of a facet chosen means all of it. */

import type { Family, Report } from "./report.ts";
import type { Backend, Cell } from "./results.ts";

export interface Filter {
  backends: string[];
  properties: string[];
  families: string[];
  verdicts: string[];
  words: string[];
}

/** Whether a value of a facet is shown. */
export const chosen = (values: string[], value: string) => values.length === 0 || values.includes(value);

export const wordsOf = (text: string) => text.toLowerCase().split(/\s+/).filter(Boolean);

/** Whether a text has all the words. */
export function says(words: string[], ...texts: string[]): boolean {
  const text = texts.join(" ").toLowerCase();
  return words.every((word) => text.includes(word));
}

export const hasVerdict = (filter: Filter, { verdict }: Cell) => chosen(filter.verdicts, verdict);

export const shownBackends = (report: Report, filter: Filter): Backend[] =>
  report.backends.filter(({ name }) => chosen(filter.backends, name));

export const shownProperties = (report: Report, filter: Filter): string[] =>
  report.properties.filter((name) => chosen(filter.properties, name));

/** The families with the subjects of which something is shown. */
export function shownFamilies(report: Report, filter: Filter): Family[] {
  const backends = shownBackends(report, filter);
  const properties = shownProperties(report, filter);

  function isShown(subject: string, family: string): boolean {
    if (!says(filter.words, subject, family)) return false;
    return backends.some(({ name }) =>
      properties.some((property) => {
        const cell = report.cell(name, subject, property);
        return cell && hasVerdict(filter, cell);
      }),
    );
  }

  return report.overview.families
    .filter(({ name }) => chosen(filter.families, name))
    .map(({ name, subjects }) => ({ name, subjects: subjects.filter((subject) => isShown(subject, name)) }))
    .filter(({ subjects }) => subjects.length > 0);
}

/** Whether something that is told of one place, such as a finding, is shown. */
export function concerns(
  report: Report,
  filter: Filter,
  place: { backend: string; subject: string; property: string; verdict: string },
  ...texts: string[]
): boolean {
  const family = report.familyOf.get(place.subject) ?? "";
  return (
    chosen(filter.backends, place.backend) &&
    chosen(filter.properties, place.property) &&
    chosen(filter.verdicts, place.verdict) &&
    chosen(filter.families, family) &&
    says(filter.words, place.subject, family, ...texts)
  );
}
