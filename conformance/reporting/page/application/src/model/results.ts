/** `results.json` as `reporting/results.py` defines it, and how a file that somebody drops is read. */

export type Verdict = string;
export type Margin = number | "infinite" | null;

export interface Cell {
  backend: string;
  subject: string;
  property: string;
  verdict: Verdict;
  asked: number;
  conforms: number;
  deviates: number;
  unsupported: number;
  unspecified: number;
  findings: number;
  broken: number;
  not_run: number;
  worst_margin: Margin;
  lowest_rung: string | null;
}

export interface Backend {
  name: string;
  language: string;
  versions: Record<string, string>;
  settings: Record<string, string>;
  platform: Record<string, string>;
  arithmetic: {
    base?: string;
    subnormals?: string;
    ulps?: Record<string, number>;
    absolute?: Record<string, number>;
    algorithms?: Record<string, string>;
  };
  capabilities: Record<string, string[]>;
  dialect_digest: string;
  environment: Record<string, string>;
}

export type Case = Record<string, unknown>;

export interface Finding {
  id: string;
  backend: string;
  subject: string;
  property: string;
  observable: string;
  verdict: Verdict;
  summary: string;
  case: string;
  margin: Margin;
  agrees_with: string[];
  reproduce: { command: string; script: string };
  deviations: string[];
  count: number;
  witness: Case;
  differs: string[];
}

export interface Deviation {
  id: string;
  backend: string;
  kind: string;
  effect: string;
  summary: string;
  source: string;
  upstream: string;
  witnesses: string[];
  holds: boolean | null;
  matched: number;
  /** Why the specification stands where all backends agree against it so; empty where they do not. */
  stands: string;
}

export interface Results {
  schema: number;
  status: "complete" | "interrupted";
  suite: {
    version: string;
    corpus: string;
    corpus_digest: string;
    checks_digest: string;
    seed: number;
    profile: string | null;
    selection: Record<string, string[]>;
    shard: string | null;
    options: string[];
  };
  started: string;
  duration_s: number;
  backends: Backend[];
  unavailable: { backend: string; message: string }[];
  cells: Cell[];
  findings: Finding[];
  deviations: Deviation[];
}

/** The fields that are read of a file from outside, and the type of each. */
const READ: Record<string, Record<string, string>> = {
  backends: { name: "string", versions: "object" },
  unavailable: { backend: "string" },
  cells: {
    ...{ backend: "string", subject: "string", property: "string", verdict: "string" },
    ...{ conforms: "number", deviates: "number", unsupported: "number", unspecified: "number" },
    ...{ findings: "number", broken: "number", not_run: "number" },
  },
  findings: {
    ...{ id: "string", backend: "string", subject: "string", property: "string", observable: "string" },
    ...{ verdict: "string", summary: "string", case: "string" },
  },
  deviations: { id: "string", backend: "string", summary: "string" },
};

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/**
 * Results from a file.
 * @throws Error where it is something else; the message says what is wrong.
 */
export function parseResults(text: string, schema: number): Results {
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch {
    throw new Error("It is not JSON. Give the results.json of another run.");
  }
  if (!isObject(content) || !isObject(content.suite)) {
    throw new Error("It is JSON, but no results.json of a run.");
  }
  if (content.schema !== schema) {
    throw new Error(`Its schema is ${JSON.stringify(content.schema)}; this page reads schema ${schema}.`);
  }
  for (const [list, fields] of Object.entries(READ)) {
    const records = content[list];
    if (!Array.isArray(records)) throw new Error(`Its “${list}” is no list.`);
    for (const record of records) {
      const wrong = isObject(record) ? Object.keys(fields).find((name) => typeof record[name] !== fields[name]) : "";
      if (wrong !== undefined) throw new Error(`An entry of its “${list}” has no proper “${wrong}”.`);
    }
  }
  return content as unknown as Results;
}
