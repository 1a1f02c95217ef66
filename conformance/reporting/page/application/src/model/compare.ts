/** What changed between the results of two runs, cell by cell; `conformance diff` compares check by check. */

import type { Cell, Deviation, Finding, Results } from "./results.ts";
import { marginSize } from "./show.ts";

export const CHANGES = [
  "newly failing",
  "mended",
  "other verdict",
  "numerically worse",
  "other numbers",
  "newly asked",
  "no longer asked",
] as const;

export type Change = (typeof CHANGES)[number];

/** A margin that is so many times the earlier one is numerically worse. */
export const WORSE = 10;

export interface ChangedCell {
  change: Change;
  before?: Cell;
  after?: Cell;
}

export interface Comparison {
  before: Results;
  after: Results;
  notices: string[];
  cells: ChangedCell[];
  unchanged: number;
  findings: { fresh: Finding[]; gone: Finding[]; known: number };
  deviations: { broken: Deviation[]; fresh: Deviation[]; gone: Deviation[] };
}

const cellKey = ({ backend, subject, property }: Cell) => [backend, subject, property].join("\n");
const deviationKey = ({ backend, id }: Deviation) => [backend, id].join("\n");
const failures = (cell?: Cell) => (cell ? cell.findings + cell.broken : 0);

/** The two in the order of their runs. */
export function compare(one: Results, other: Results): Comparison {
  const [before, after] = other.started <= one.started ? [other, one] : [one, other];
  const then = new Map(before.cells.map((cell) => [cellKey(cell), cell]));
  const now = new Map(after.cells.map((cell) => [cellKey(cell), cell]));
  const cells: ChangedCell[] = [];
  let unchanged = 0;
  for (const name of new Set([...now.keys(), ...then.keys()])) {
    const pair = { before: then.get(name), after: now.get(name) };
    const change = classify(pair.before, pair.after);
    if (change) cells.push({ change, ...pair });
    else unchanged += 1;
  }
  return {
    before,
    after,
    notices: [...notices(before, after)],
    cells,
    unchanged,
    findings: findings(before, after),
    deviations: deviations(before, after),
  };
}

function classify(before?: Cell, after?: Cell): Change | undefined {
  if (failures(after) > failures(before)) return "newly failing";
  if (!before) return "newly asked";
  if (!after) return "no longer asked";
  if (failures(after) < failures(before)) return "mended";
  if (before.verdict !== after.verdict) return "other verdict";
  const [then, now] = [marginSize(before.worst_margin), marginSize(after.worst_margin)];
  if (then >= 0 && now > then && now >= WORSE * then) return "numerically worse";
  const counts = ["conforms", "deviates", "unsupported", "unspecified", "not_run"] as const;
  return counts.some((name) => before[name] !== after[name]) ? "other numbers" : undefined;
}

function findings(before: Results, after: Results): Comparison["findings"] {
  const then = new Set(before.findings.map(({ id }) => id));
  const now = new Set(after.findings.map(({ id }) => id));
  return {
    fresh: after.findings.filter(({ id }) => !then.has(id)),
    gone: before.findings.filter(({ id }) => !now.has(id)),
    known: after.findings.filter(({ id }) => then.has(id)).length,
  };
}

function deviations(before: Results, after: Results): Comparison["deviations"] {
  const then = new Map(before.deviations.map((entry) => [deviationKey(entry), entry]));
  const now = new Map(after.deviations.map((entry) => [deviationKey(entry), entry]));
  const asked = new Set(after.backends.map(({ name }) => name));
  return {
    broken: after.deviations.filter((entry) => entry.holds === false && then.get(deviationKey(entry))?.holds !== false),
    fresh: after.deviations.filter((entry) => !then.has(deviationKey(entry))),
    gone: before.deviations.filter((entry) => asked.has(entry.backend) && !now.has(deviationKey(entry))),
  };
}

/** What has to be known to read the comparison. */
function* notices(before: Results, after: Results): Generator<string> {
  const [then, now] = [before.suite, after.suite];
  if (then.version !== now.version) {
    yield `Another version of the suite: ${then.version} before, ${now.version} after.`;
  }
  if (then.corpus_digest !== now.corpus_digest) {
    const names = [then.corpus || "single cases", now.corpus || "single cases"];
    const which = names[0] === names[1] ? `${names[0]}, with other cases` : `${names[0]} before, ${names[1]} after`;
    yield `Another corpus: ${which}. Numbers of checks differ for that alone, and a failure not asked before counts as new.`;
  }
  if (JSON.stringify(then.selection) !== JSON.stringify(now.selection)) {
    yield "Another selection: the two runs were not asked the same subjects and properties.";
  }
  for (const [results, name] of [[before, "earlier"], [after, "later"]] as const) {
    if (results.status === "interrupted") yield `The ${name} run was interrupted: what it did not reach is unknown.`;
    for (const { backend } of results.unavailable) yield `${backend} could not be started in the ${name} run.`;
  }
  const versions = new Map(before.backends.map((backend) => [backend.name, backend.versions]));
  const later = new Set(after.backends.map(({ name }) => name));
  for (const { name } of before.backends) {
    if (!later.has(name)) yield `${name} was not asked in the later run.`;
  }
  for (const { name, versions: found } of after.backends) {
    const earlier = versions.get(name);
    if (!earlier) {
      yield `${name} was not asked in the earlier run: all that fails on it counts as new.`;
      continue;
    }
    const moved = [...new Set([...Object.keys(earlier), ...Object.keys(found)])]
      .sort()
      .filter((part) => earlier[part] !== found[part])
      .map((part) => `${part} ${earlier[part] ?? "none"} → ${found[part] ?? "none"}`);
    if (moved.length) yield `Other versions of ${name}: ${moved.join(", ")}.`;
  }
}
