/** The report embedded in the page: what `reporting/page/content.py` wrote, unpacked and indexed. */

import type { Backend, Case, Cell, Deviation, Finding, Margin, Results, Verdict } from "./results.ts";
import { unpack } from "./unpack.ts";

export interface Sign {
  verdict: Verdict;
  glyph: string;
  tone: string;
  meaning: string;
}

export interface Family {
  name: string;
  subjects: string[];
}

export interface Suspicion {
  subject: string;
  property: string;
  observable: string;
  backends: string[];
  count: number;
  case: string;
}

export interface Promised {
  backend: string;
  unit_roundoff: number;
  looser: { function: string; declared: number; published: number | null }[];
  wider: Record<string, string>;
  command: string;
}

export interface Histogram {
  backend: string;
  property: string;
  zero: number;
  infinite: number;
  bins: Record<string, number>;
}

/** What a program made of models that another one, or itself, has saved; the message is of the worst check. */
export interface Exchange {
  saver: string;
  format: string;
  loader: string;
  verdict: Verdict;
  counts: Record<Verdict, number>;
  deviations: Record<string, number>;
  message: string;
}

export interface Exchanges {
  rows: [string, string][];
  loaders: string[];
  places: Exchange[];
}

export interface Overview {
  results: Results;
  signs: Sign[];
  properties: { name: string; summary: string }[];
  families: Family[];
  suspicions: Suspicion[];
  notices: string[];
  promises: Promised[];
  histograms: Histogram[];
  bins_per_decade: number;
  range: [number, number];
  exchanges: Exchanges | null;
}

/** The checks of one observable of a cell; the case and the message are of the worst. */
export interface Row {
  observable: string;
  counts: Record<Verdict, number>;
  rung: string | null;
  required: string | null;
  margin: Margin;
  deviations: Record<string, number>;
  agrees: Record<string, number>;
  case: string;
  message: string;
}

export interface Argument {
  name: string;
  allowed: string;
  required: boolean;
  default: unknown;
  doc: string;
}

/** Whether a class or an argument was put to a backend, with how many cases or values. */
export interface Place {
  state: "asked" | "unsupported" | "not there" | "unknown";
  asked: number;
}

export interface ArgumentCoverage {
  name: string;
  specified: boolean;
  examples: string[];
  backends: Record<string, Place>;
}

export interface SubjectCoverage {
  name: string;
  specified: boolean;
  aliases: string[];
  backends: Record<string, Place>;
  arguments: ArgumentCoverage[];
}

export interface Details {
  rows: Row[][];
  cases: Record<string, { case: Case; named: boolean }>;
  documents: Record<string, { paragraphs: string[]; arguments: Argument[] }>;
  coverage: SubjectCoverage[];
}

const key = (...names: string[]) => names.join("\n");

export class Report {
  readonly results: Results;
  readonly backends: Backend[];
  readonly properties: string[];
  readonly signs: Map<Verdict, Sign>;
  readonly familyOf = new Map<string, string>();
  private readonly places = new Map<string, number>();
  private unpacking?: Promise<Details>;

  constructor(readonly overview: Overview) {
    this.results = overview.results;
    this.backends = this.results.backends;
    this.properties = overview.properties.map(({ name }) => name);
    this.signs = new Map(overview.signs.map((sign) => [sign.verdict, sign]));
    this.results.cells.forEach((cell, place) => {
      this.places.set(key(cell.backend, cell.subject, cell.property), place);
    });
    for (const { name, subjects } of overview.families) {
      for (const subject of subjects) this.familyOf.set(subject, name);
    }
  }

  static async open(): Promise<Report> {
    return new Report(await unpack<Overview>("overview"));
  }

  /** What is not needed before something is opened; unpacked once. */
  details(): Promise<Details> {
    return (this.unpacking ??= unpack<Details>("details"));
  }

  sign(verdict: Verdict): Sign {
    return this.signs.get(verdict) ?? { verdict, glyph: "·", tone: "not-run", meaning: "unknown to this page" };
  }

  severity(verdict: Verdict): number {
    return this.overview.signs.findIndex((sign) => sign.verdict === verdict);
  }

  fails(verdict: Verdict): boolean {
    return ["finding", "broken"].includes(this.sign(verdict).tone);
  }

  /** The worst verdict of several cells; what was not asked counts only where nothing was. */
  worstAnswered(cells: Cell[]): Verdict | undefined {
    const asked = cells.filter(({ verdict }) => !["unsupported", "not-run"].includes(this.sign(verdict).tone));
    const verdicts = (asked.length ? asked : cells).map(({ verdict }) => verdict);
    return verdicts.sort((one, other) => this.severity(other) - this.severity(one))[0];
  }

  /** The verdicts that a cell has, from best to worst. */
  verdictsSeen(): Sign[] {
    const seen = new Set(this.results.cells.map(({ verdict }) => verdict));
    return this.overview.signs.filter(({ verdict }) => seen.has(verdict));
  }

  cell(backend: string, subject: string, property: string): Cell | undefined {
    return this.results.cells[this.places.get(key(backend, subject, property)) ?? -1];
  }

  rows(details: Details, cell: Cell): Row[] {
    return details.rows[this.places.get(key(cell.backend, cell.subject, cell.property)) ?? -1] ?? [];
  }

  deviation(backend: string, id: string): Deviation | undefined {
    return this.results.deviations.find((entry) => entry.backend === backend && entry.id === id);
  }

  findingsOf(cell: Cell): Finding[] {
    return this.results.findings.filter(
      (finding) =>
        finding.backend === cell.backend && finding.subject === cell.subject && finding.property === cell.property,
    );
  }

  promise(backend: string): Promised | undefined {
    return this.overview.promises.find((promise) => promise.backend === backend);
  }

  /** The command line that asks a backend a case again; `place` is its id, or the file that holds it. */
  command(backend: string, place: string, property: string): string {
    const template = this.promise(backend)?.command ?? "";
    const end = template.lastIndexOf("PROPERTY");
    const words = template.slice(0, end) + property + template.slice(end + "PROPERTY".length);
    return words.replace("CASE", () => place);
  }

  /** By deviation of a backend (`reached` of its id), the cells in which checks reached it, with their number. */
  cellsByDeviation(details: Details): Map<string, { cell: Cell; count: number }[]> {
    const reached = new Map<string, { cell: Cell; count: number }[]>();
    this.results.cells.forEach((cell, place) => {
      const counts = new Map<string, number>();
      for (const row of details.rows[place] ?? []) {
        for (const [id, n] of Object.entries(row.deviations)) counts.set(id, (counts.get(id) ?? 0) + n);
      }
      for (const [id, count] of counts) {
        const name = key(cell.backend, id);
        reached.set(name, [...(reached.get(name) ?? []), { cell, count }]);
      }
    });
    return reached;
  }

  reachedBy(details: Details, { backend, id }: { backend: string; id: string }): { cell: Cell; count: number }[] {
    return this.cellsByDeviation(details).get(key(backend, id)) ?? [];
  }
}
