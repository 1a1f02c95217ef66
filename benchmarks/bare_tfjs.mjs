/**
 * TensorFlow.js without the suite: the cases of a file in a loop, and the seconds that this takes.
 *
 * `node bare_tfjs.mjs ADAPTER MODULES BACKEND CASES FIRST` reads one `ConcreteCase` a line, and tells the
 * seconds of the first FIRST cases and of the rest, as JSON.
 */
import {readFileSync} from "node:fs";
import path from "node:path";
import {performance} from "node:perf_hooks";
import {pathToFileURL} from "node:url";

const [adapter, modules, backend, file, first] = process.argv.slice(2);
const load = (name) => import(pathToFileURL(path.join(adapter, name)));
const {observe} = await load("observation.mjs");
const {startRuntime} = await load("runtime.mjs");
const {registeredSubjects} = await load("subjects.mjs");

/** The message with the text of every tensor decoded, as the adapter would do it in the loop. */
function decoded(name, value) {
  return name === "data" ? Buffer.from(value, "base64") : value;
}

const lines = readFileSync(file, "utf8").trimEnd().split("\n");
const cases = lines.map((line) => JSON.parse(line, decoded));
const {tf} = await startRuntime(modules, backend);
const subjects = registeredSubjects(tf);
const seconds = [];
for (const part of [cases.slice(0, Number(first)), cases.slice(Number(first))]) {
  const began = performance.now();
  for (const asked of part) {
    await observe(tf, subjects, asked);
  }
  seconds.push((performance.now() - began) / 1000);
}
console.log(JSON.stringify(seconds));
