/** Loads TensorFlow.js, starts one of its backends, and says who answers and under what circumstances. */
import {createRequire} from "node:module";
import os from "node:os";
import path from "node:path";
import {ARITHMETIC} from "./arithmetic.mjs";
import {MODELS, OBSERVABLES} from "./exchange.mjs";
import {STATEMENTS} from "./guide.mjs";
import {FORMATS} from "./models.mjs";
import {OBSERVABLES as TOLD, runs} from "./training.mjs";

const PREFIX = "tfjs-";

/** What each backend needs before it starts, and which settings and versions of it change bits. */
const BACKENDS = {
  cpu: {
    prepare() {},
    settings: () => ({threads: "1"}),
    versions: () => ({}),
  },
  wasm: {
    prepare(load) {
      const wasm = load("@tensorflow/tfjs-backend-wasm");
      wasm.setThreadsCount(1);
      return wasm;
    },
    settings: (tf, wasm) => ({
      threads: String(wasm.getThreadsCount()),
      simd: String(tf.env().get("WASM_HAS_SIMD_SUPPORT")),
    }),
    versions: (wasm) => ({"tfjs-backend-wasm": wasm.version_wasm}),
  },
};

/** The function that loads a package from the folder that holds `node_modules`. */
function loader(modules) {
  const load = createRequire(path.resolve(modules, "index.js"));
  return (name) => {
    try {
      return load(name);
    } catch (error) {
      throw new Error(`cannot load ${name} from ${path.resolve(modules, "node_modules")}: ${error.message}`);
    }
  };
}

/**
 * Load TensorFlow.js from the folder that holds `node_modules` and make `backend` its backend.
 *
 * The union package is loaded, although core and layers alone would start in half its time: only it registers
 * the chained operations, without which the orthogonal initializer, every recurrent layer's default, throws.
 */
export async function startRuntime(modules, backend) {
  const name = backend.startsWith(PREFIX) ? backend.slice(PREFIX.length) : "";
  if (!(name in BACKENDS)) {
    const known = Object.keys(BACKENDS).map((key) => PREFIX + key);
    throw new Error(`unknown backend ${JSON.stringify(backend)}; this adapter is one of ${known.join(", ")}`);
  }
  const load = loader(modules);
  const tf = load("@tensorflow/tfjs");
  const implementation = BACKENDS[name].prepare(load);
  await tf.setBackend(name);
  const runtime = {backend, name, tf, implementation};
  assertBackend(runtime);
  return runtime;
}

/** Fail where TensorFlow.js has fallen back to another backend than the one under test. */
export function assertBackend({tf, name}) {
  if (tf.getBackend() !== name) {
    throw new Error(`TensorFlow.js runs on ${tf.getBackend()}, not on ${name}`);
  }
}

/**
 * Start the backend anew, as WebAssembly has to be after a trap: its memory is as the trap left it, and other
 * operations answer wrong, or trap too, from then on.
 */
export async function restartBackend({tf, name}) {
  const factory = tf.findBackendFactory(name);
  tf.removeBackend(name);
  tf.registerBackend(name, factory);
  await tf.setBackend(name);
}

/** The protocol's `Identity` of a started runtime. */
export function identity({backend, name, tf, implementation}, subjects) {
  return {
    name: backend,
    language: "javascript",
    versions: {
      ...tf.version,
      ...BACKENDS[name].versions(implementation),
      node: process.versions.node,
      v8: process.versions.v8,
    },
    settings: {
      ...BACKENDS[name].settings(tf, implementation),
      seed: "of Math.random, for each case: TensorFlow.js has none for all that it draws",
    },
    platform: {
      machine: os.arch(),
      system: `${os.type()} ${os.release()}`,
      processor: os.cpus()[0]?.model ?? "unknown",
    },
    arithmetic: ARITHMETIC[name],
    capabilities: {
      ...Object.fromEntries([...subjects].map(([subject, {observables}]) => [subject, observables])),
      ...Object.fromEntries(MODELS.map((subject) => [subject, OBSERVABLES])),
      ...Object.fromEntries(runs(tf).map((subject) => [subject, TOLD])),
      ...STATEMENTS,
    },
    models: FORMATS,
  };
}
