/**
 * Answers the conformance protocol for TensorFlow.js: `node adapter.mjs --modules DIR [--build TEXT]`, where DIR
 * holds the `node_modules` with `@tensorflow/tfjs` and, for `tfjs-wasm`, `@tensorflow/tfjs-backend-wasm`, and
 * TEXT says which of them are no released packages.
 */
import {parseArgs} from "node:util";
import {setFlagsFromString} from "node:v8";
import {MODELS, exchange} from "./exchange.mjs";
import {traps} from "./failures.mjs";
import {STATEMENTS, show} from "./guide.mjs";
import {inspect} from "./models.mjs";
import {observe} from "./observation.mjs";
import {PROTOCOL_VERSION, messages, reply, reserveStandardOutput} from "./protocol.mjs";
import {assertBackend, identity, restartBackend, startRuntime} from "./runtime.mjs";
import {registeredSubjects} from "./subjects.mjs";
import {runs, train} from "./training.mjs";

class Session {
  async start({protocol, backend}) {
    if (protocol !== PROTOCOL_VERSION) {
      throw new Error(
        `the suite speaks protocol ${protocol}, this adapter ${PROTOCOL_VERSION}; ` +
          "use the adapter that came with the suite",
      );
    }
    this.runtime = await startRuntime(this.modules, backend);
    this.subjects = registeredSubjects(this.runtime.tf);
    return {reply: "started", protocol: PROTOCOL_VERSION, identity: this.identity()};
  }

  identity() {
    const who = identity(this.runtime, this.subjects);
    return this.build === undefined ? who : {...who, settings: {...who.settings, build: this.build}};
  }

  async observe({id, case: asked}) {
    const observables = await this.safely(() => this.answers(asked));
    return {reply: "observed", id, observables};
  }

  answers(asked) {
    const {tf} = this.runtime;
    if (asked.subject in STATEMENTS) {
      return show(tf, asked);
    }
    if (runs(tf).includes(asked.subject)) {
      return train(tf, this.subjects, asked);
    }
    return MODELS.includes(asked.subject) ? exchange(tf, asked) : observe(tf, this.subjects, asked);
  }

  async inspect({id, model}) {
    const send = (piece) => reply({reply: "piece", id, ...piece});
    const answer = await this.safely(() => inspect(this.runtime.tf, model, send));
    return {reply: "inspected", id, ...answer};
  }

  /** An answer after which the backend is as it was before. */
  async safely(answering) {
    const before = traps.count;
    const answer = await answering();
    if (traps.count > before) {
      await restartBackend(this.runtime);
    }
    // An answer that another backend may have given is none.
    assertBackend(this.runtime);
    return answer;
  }

  async serve({modules, build}) {
    this.modules = modules;
    this.build = build;
    for await (const request of messages(process.stdin)) {
      switch (request.command) {
        case "start":
          reply(await this.start(request));
          break;
        case "observe":
          reply(await this.observe(request));
          break;
        case "inspect":
          reply(await this.inspect(request));
          break;
        case "stop":
          return;
        default:
          throw new Error(
            `unknown command ${JSON.stringify(request.command)}: start, observe, inspect or stop`,
          );
      }
    }
  }
}

// A run asks for many different things a few times each: code that is optimised later, and in smaller pieces,
// costs less in all.
setFlagsFromString("--interrupt-budget=600000");
setFlagsFromString("--max-inlined-bytecode-size-cumulative=300");
reserveStandardOutput();
try {
  const {values} = parseArgs({options: {modules: {type: "string"}, build: {type: "string"}}});
  if (values.modules === undefined) {
    throw new Error("usage: node adapter.mjs --modules DIR, where DIR is the folder that holds node_modules");
  }
  await new Session().serve(values);
  process.exit(0);
} catch (error) {
  console.error(`fatal: ${error.stack ?? error.message ?? error}`);
  process.exit(1);
}
