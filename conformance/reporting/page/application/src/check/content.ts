/** What is embedded in the page: as `reporting/model_page.py` and, for the answer, `interchange/verdict.py` define it. */

import type { Sign } from "../model/report.ts";
import { unpack } from "../model/unpack.ts";

export type Verdict = string;

/** Numbers that JSON does not have are words. */
export type Real = number | "infinite" | "-infinite" | "nan";

export type Shape = (number | null)[];

export interface Judged {
  layer: string;
  call: number;
  observable: string;
  verdict: Verdict;
  required_rung: string | null;
  rung: string | null;
  margin: Real | null;
  error: Real | null;
  ulps: Real | null;
  place: number[] | null;
  limit: Real | null;
  deviations: string[];
  message: string;
}

export interface Departure {
  layer: string;
  class_name: string;
  call: number;
  observable: string;
  verdict: Verdict;
  error: Real | null;
  place: number[] | null;
  limit: Real | null;
  margin: Real | null;
  deviations: string[];
  message: string;
  remedy: string;
}

export interface Failure {
  at: string;
  message: string;
  layers: string[];
  deviations: string[];
  remedy: string;
}

export interface End {
  output: string;
  largest: Real;
  from_keras: Real | null;
  limit: Real | null;
  from_specification: Real | null;
  agrees: boolean | null;
}

export interface Expected {
  deviation: string;
  effect: string;
  layers: string[];
}

export interface OnBackend {
  backend: string;
  outcome: string;
  versions: Record<string, string>;
  expected: Expected[];
  failure: Failure | null;
  layers: number;
  conforming: number;
  checks: Judged[];
  first: Departure | null;
  departures: Departure[];
  unjudged: string[];
  worst_margin: Real | null;
  ends: End[];
  seconds: number[];
}

export interface Recorded {
  id: string;
  kind: string;
  summary: string;
  source: string;
  upstream: string;
}

export interface Rewritten {
  layer: string;
  what: string;
  how: string;
  why: string;
  made: string[];
}

export interface Objection {
  layer: string;
  argument: string;
  value: string;
  remedy: string;
}

export interface Checked {
  model: string;
  format: string;
  made_by: string;
  name: string;
  layers: number;
  parameters: number;
  inputs: { name: string; shape: number[]; dtype: string }[];
  keras: { backend: string; versions: Record<string, string>; failure: Failure | null; seconds: number[] } | null;
  objections: Objection[];
  rewrites: Rewritten[];
  deviations: Recorded[];
  backends: OnBackend[];
  preflight_s: number;
}

export interface Node {
  id: string;
  group: string;
  kind: "input" | "layer" | "model" | "rewritten";
  name: string;
  class_name: string;
  arguments: Record<string, string>;
  calls: number;
  shapes: Shape[][];
  gives: boolean;
  verdicts: Record<string, Verdict>;
}

export interface Edge {
  source: string;
  source_call: number;
  target: string;
  target_call: number;
}

export interface Content {
  headline: { claim: string; cause: string; remedy: string };
  checked: Checked;
  nodes: Node[];
  edges: Edge[];
  signs: Sign[];
  outcomes: Record<string, { words: string; verdict: Verdict }>;
  connected_otherwise: string;
  command: string;
  version: string;
}

const isGroup = ({ kind }: Node) => kind === "model" || kind === "rewritten";

/** The content, indexed by what the page asks of it. */
export class Check {
  readonly checked: Checked;
  readonly nodes: Map<string, Node>;
  readonly groups: Node[];
  private readonly signs: Map<Verdict, Sign>;
  private readonly members = new Map<string, Node[]>();
  private readonly checks = new Map<string, Judged[]>();
  private readonly recorded: Map<string, Recorded>;

  constructor(readonly content: Content) {
    this.checked = content.checked;
    this.nodes = new Map(content.nodes.map((node) => [node.id, node]));
    this.groups = content.nodes.filter(isGroup);
    this.signs = new Map(content.signs.map((sign) => [sign.verdict, sign]));
    this.recorded = new Map(this.checked.deviations.map((deviation) => [deviation.id, deviation]));
    for (const node of content.nodes) this.members.set(node.group, [...(this.members.get(node.group) ?? []), node]);
    for (const { backend, checks } of this.checked.backends) {
      for (const check of checks) {
        const key = `${backend}\n${check.layer}`;
        this.checks.set(key, [...(this.checks.get(key) ?? []), check]);
      }
    }
  }

  static async open(): Promise<Check> {
    return new Check(await unpack<Content>("check"));
  }

  get names(): string[] {
    return this.checked.backends.map(({ backend }) => backend);
  }

  sign(verdict: Verdict): Sign {
    return this.signs.get(verdict)!;
  }

  /** Of the verdicts of several, the worst; what was not run counts only where nothing was. */
  worst(verdicts: Verdict[]): Verdict | undefined {
    const order = (verdict: Verdict) =>
      verdict === "not-run" ? -1 : this.content.signs.findIndex((sign) => sign.verdict === verdict);
    return verdicts.toSorted((one, other) => order(other) - order(one))[0];
  }

  verdictOf(node: Node): Verdict | undefined {
    return this.worst(Object.values(node.verdicts));
  }

  /** The verdicts that a layer has on a backend, from best to worst, with the numbers of layers. */
  verdictsSeen(): [Sign, number][] {
    const counts = new Map<Verdict, number>();
    for (const node of this.content.nodes) {
      const verdict = node.kind === "layer" ? this.verdictOf(node) : undefined;
      if (verdict) counts.set(verdict, (counts.get(verdict) ?? 0) + 1);
    }
    return this.content.signs.filter(({ verdict }) => counts.has(verdict)).map((sign) => [sign, counts.get(sign.verdict)!]);
  }

  /** What is right in a group: what it holds, in the order of calls; of the model itself, by "". */
  inside(group: string): Node[] {
    return this.members.get(group) ?? [];
  }

  isGroup(node: Node): boolean {
    return isGroup(node);
  }

  /** The groups that a node is in, from the inside out. */
  around(node: Node): Node[] {
    const group = this.nodes.get(node.group);
    return group ? [group, ...this.around(group)] : [];
  }

  checksOf(backend: string, layer: string): Judged[] {
    return this.checks.get(`${backend}\n${layer}`) ?? [];
  }

  /** The check with the largest margin on a backend, or else the first one. */
  widest(backend: string, layer: string): Judged | undefined {
    return this.checksOf(backend, layer).toSorted((one, other) => size(other.margin) - size(one.margin))[0];
  }

  /** The largest margin of a layer on all backends. */
  margin(node: Node): Real | null {
    const margins = this.names.map((name) => this.widest(name, node.id)?.margin ?? null);
    return margins.toSorted((one, other) => size(other) - size(one))[0] ?? null;
  }

  deviation(id: string): Recorded | undefined {
    return this.recorded.get(id);
  }

  /** What conversion did with a layer, or made it of. */
  rewritesOf(node: Node): Rewritten[] {
    return this.checked.rewrites.filter(
      ({ layer, made }) => made.includes(node.id) || `${layer} (rewritten)` === node.id,
    );
  }

  /** What is recorded of a layer on a backend, and in scope. */
  expectedOf(backend: string, node: Node): Expected[] {
    const { expected } = this.checked.backends.find((one) => one.backend === backend)!;
    return expected.filter(({ layers }) => layers.includes(node.id));
  }

  departuresOf(backend: string, layer: string): Departure[] {
    const { departures } = this.checked.backends.find((one) => one.backend === backend)!;
    return departures.filter((departure) => departure.layer === layer);
  }

  objectionsOf(node: Node): Objection[] {
    return node.kind === "layer" ? this.checked.objections.filter(({ layer }) => layer === node.name) : [];
  }

  /** The layers that depart, or are refused, somewhere, in the order of calls. */
  departing(): Node[] {
    return this.content.nodes.filter((node) => {
      const verdict = node.kind === "layer" ? this.verdictOf(node) : undefined;
      return verdict && !["conforms", "unspecified", "not-run"].includes(verdict);
    });
  }

  /** What a node is called on, and what is called on it, with the numbers of the calls. */
  sourcesOf(node: Node): Edge[] {
    return this.content.edges.filter(({ target }) => target === node.id);
  }

  targetsOf(node: Node): Edge[] {
    return this.content.edges.filter(({ source }) => source === node.id);
  }
}

/** A margin as it is ordered; none is the smallest. */
export function size(margin: Real | null): number {
  if (margin === null) return -1;
  return typeof margin === "number" ? margin : Infinity;
}

/** "0.51", "1.4e-5", "∞" */
export function showReal(value: Real | null | undefined): string {
  if (value === null || value === undefined) return "–";
  if (value === "infinite") return "∞";
  if (value === "-infinite") return "−∞";
  if (value === "nan") return "NaN";
  if (value === 0) return "0";
  const magnitude = Math.abs(value);
  if (magnitude >= 1e-3 && magnitude < 1e5) {
    return Number(value.toPrecision(2)).toLocaleString("en", { maximumFractionDigits: 6 });
  }
  return value.toExponential(1).replace(".0e", "e").replace("e+", "e");
}

/** A margin, so that what is below 1 does not look like 1. */
export const showMargin = (margin: Real | null): string =>
  showReal(typeof margin === "number" && margin < 1 ? Math.min(margin, 0.99) : margin);

/** "(None, 4, 3)" */
export const showShape = (shape: Shape): string =>
  `(${shape.map((size) => size ?? "None").join(", ")}${shape.length === 1 ? "," : ""})`;

/** The shapes of what a node gives: those of its calls, where these differ. */
export const showShapes = (node: Node): string =>
  [...new Set(node.shapes.map((shapes) => shapes.map(showShape).join(", ")))].join("; ");

/** A layer's class, a model's kind. */
export const showKind = (node: Node): string => (node.kind === "model" ? "model" : node.class_name);
