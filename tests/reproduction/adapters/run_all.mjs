/**
 * Runs scripts one after the other, with one load of TensorFlow.js, and writes as JSON how each ended: its
 * path → exit code and what it printed, as Node would.
 */
import {pathToFileURL} from "node:url";
import {inspect} from "node:util";

class Exit extends Error {
  constructor(code) {
    super(`exit ${code}`);
    this.code = code;
  }
}

async function run(path) {
  const printed = [];
  console.log = (...parts) =>
    printed.push(parts.map((part) => (typeof part === "string" ? part : inspect(part))).join(" "));
  process.exit = (code) => {
    throw new Exit(code);
  };
  try {
    await import(pathToFileURL(path));
    return [0, printed.join("\n")];
  } catch (error) {
    return error instanceof Exit ? [error.code, printed.join("\n")] : [1, `${printed.join("\n")}\n${error.stack}`];
  }
}

const outcomes = {};
for (const path of process.argv.slice(2)) {
  outcomes[path] = await run(path);
}
process.stdout.write(JSON.stringify(outcomes));
