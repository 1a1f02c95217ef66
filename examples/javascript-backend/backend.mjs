// A backend in plain JavaScript: it reads JSON lines from standard input, and answers each with one.
//
//     conformance run --backend-command 'plain-javascript=node backend.mjs'

import os from "node:os";
import readline from "node:readline";
import { answer, SUBJECTS } from "./experiments.mjs";

const PROTOCOL_VERSION = 1;

const IDENTITY = {
  name: "plain-javascript",
  language: "javascript",
  versions: { node: process.versions.node, v8: process.versions.v8 },
  settings: {},
  platform: { system: os.platform(), machine: os.arch() },
  // Numbers are computed in float64 and rounded to float32 once, which is at least as good as float32.
  arithmetic: { base: "ieee-float32" },
  capabilities: SUBJECTS,
};

const REPLIES = {
  start({ protocol }) {
    if (protocol !== PROTOCOL_VERSION) {
      throw new Error(`the suite speaks protocol ${protocol}, this program ${PROTOCOL_VERSION}`);
    }
    return { reply: "started", protocol: PROTOCOL_VERSION, identity: IDENTITY };
  },

  observe({ id, case: asked }) {
    const observables = asked.observables.map((name) => [name, observed(asked, name)]);
    return { reply: "observed", id, observables: Object.fromEntries(observables) };
  },
};

// One answer: an observable that fails leaves the others theirs.
function observed(asked, name) {
  try {
    return answer(asked, name);
  } catch (error) {
    const kind = error instanceof RangeError ? "invalid-argument" : "internal";
    const at = name.startsWith("gradient/") ? "gradient" : "call";
    return { type: "error", kind, at, message: error.message };
  }
}

for await (const line of readline.createInterface({ input: process.stdin })) {
  const request = JSON.parse(line);
  if (request.command === "stop") break;
  process.stdout.write(JSON.stringify(REPLIES[request.command](request)) + "\n");
}
