/**
 * The statements of the guides, shown by TensorFlow.js. Each module in `guide/` is a program about one of them; it
 * exports a function for each fact, `isPromise` for `is-promise`, which is given a `Stage` and answers a tensor or
 * what JSON holds.
 */
import {readdirSync} from "node:fs";
import http from "node:http";
import path from "node:path";
import {fileURLToPath} from "node:url";
import {readFile} from "node:fs/promises";
import {inspect} from "node:util";
import {classified} from "./failures.mjs";
import {disposingEverything} from "./memory.mjs";
import {tensorOf, wireJSON, wireTensor} from "./protocol.mjs";
import {seeded} from "./randomness.mjs";

const FOLDER = fileURLToPath(new URL("guide/", import.meta.url));
const PREFIX = "guide/javascript/";

const kebab = (name) => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

const PROGRAMS = Object.fromEntries(
  await Promise.all(
    readdirSync(FOLDER).map(async (file) => {
      const facts = Object.entries(await import(`./guide/${file}`));
      const shown = facts.map(([name, show]) => [`${PREFIX}${kebab(name)}`, show]);
      return [`guide.${path.parse(file).name}`, Object.fromEntries(shown)];
    }),
  ),
);

/** By subject, the observables that there are programs for. */
export const STATEMENTS = Object.fromEntries(
  Object.entries(PROGRAMS).map(([subject, facts]) => [subject, Object.keys(facts)]),
);

/** What a program is given, and what it needs of the world around it. */
class Stage {
  constructor(tf, {inputs, config}) {
    this.tf = tf;
    this.inputs = inputs.map((wire, i) => tensorOf(tf, wire, `input ${i}`));
    this.models = config.models ?? {};
    this.programs = config.program ?? {};
    this.closing = [];
  }

  /** The address of a server on loopback for one folder, and the paths that it has been asked for. */
  async serve(folder) {
    const requests = [];
    const server = http.createServer(async (request, response) => {
      requests.push(request.url);
      const content = await readFile(path.join(folder, path.basename(request.url))).catch(() => null);
      response.writeHead(content === null ? 404 : 200).end(content ?? "");
    });
    return {address: await this.listen(server), requests};
  }

  /** A model that Keras has saved, loaded as a page would load it. */
  async load(name) {
    const {address} = await this.serve(this.models[name].converted);
    return this.tf.loadLayersModel(`${address}/model.json`);
  }

  /** The address of a server, which is closed when the program has ended. */
  async listen(server) {
    await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
    this.closing.push(() => {
      server.closeAllConnections();
      server.close();
    });
    return `http://127.0.0.1:${server.address().port}`;
  }

  /**
   * What a program prints, line by line, and what it leaves in the names that are asked for. It is run as the body
   * of an asynchronous function in which `tf` is the runtime under test.
   */
  async run(name, ...names) {
    const lines = [];
    const log = (...words) => lines.push(words.map((word) => (typeof word === "string" ? word : inspect(word))).join(" "));
    const AsyncFunction = (async () => {}).constructor;
    const body = `${this.programs[name].mjs}\nreturn {${names.join(", ")}};`;
    // Tensors print themselves to the console of everybody.
    const own = console.log;
    console.log = log;
    try {
      const left = await new AsyncFunction("tf", "console", body)(this.tf, {...console, log});
      return {lines, ...left};
    } finally {
      console.log = own;
    }
  }

  /** What a program is that is one expression. */
  value(name) {
    return new Function("tf", `return ${this.programs[name].mjs}`)(this.tf);
  }

  close() {
    this.closing.forEach((close) => close());
  }
}

async function answer(tf, asked, observable) {
  const stage = new Stage(tf, asked);
  try {
    const shown = await PROGRAMS[asked.subject][observable](stage);
    return shown instanceof tf.Tensor ? wireTensor(shown) : wireJSON(shown);
  } catch (error) {
    return classified(error, "call").toWire();
  } finally {
    stage.close();
  }
}

/** A promise of what is shown of each fact that is asked for; each has the seed, and a scope, of its own. */
export async function show(tf, asked) {
  const observables = {};
  for (const observable of asked.observables) {
    const shown = () => seeded(asked.seed, () => answer(tf, asked, observable));
    observables[observable] = await disposingEverything(tf, shown);
  }
  return observables;
}
