/** Loads TensorFlow.js, starts one of its backends, and says who answers and under what circumstances. */
import {createRequire} from "node:module";
import os from "node:os";
import path from "node:path";
import {ARITHMETIC} from "./arithmetic.mjs";

const PREFIX = "tfjs-";

/** How each backend is loaded and what of it changes bits. */
const BACKENDS = {
  cpu: {
    packages: ["@tensorflow/tfjs-backend-cpu"],
    prepare() {},
    settings: () => ({threads: "1"}),
  },
  wasm: {
    packages: ["@tensorflow/tfjs-backend-cpu", "@tensorflow/tfjs-backend-wasm"],
    prepare: ({wasm}) => wasm.setThreadsCount(1),
    settings: ({tf, wasm}) => ({
      threads: String(wasm.getThreadsCount()),
      simd: String(tf.env().get("WASM_HAS_SIMD_SUPPORT")),
    }),
  },
};

function loader(modules) {
  const fromModules = createRequire(path.resolve(modules, "index.js"));
  let fromUnion;
  try {
    fromUnion = createRequire(fromModules.resolve("@tensorflow/tfjs"));
  } catch (error) {
    throw new Error(`no @tensorflow/tfjs in ${path.resolve(modules, "node_modules")}: ${error.message}`);
  }
  return {fromModules, fromUnion};
}

/**
 * Load TensorFlow.js from the folder that holds `node_modules` and make `backend` its backend.
 *
 * The parts that `@tensorflow/tfjs` is made of are loaded, not the union: without the converter, the data API and
 * the WebGL backend it starts in half the time.
 */
export async function startRuntime(modules, backend) {
  const name = backend.startsWith(PREFIX) ? backend.slice(PREFIX.length) : "";
  if (!(name in BACKENDS)) {
    const known = Object.keys(BACKENDS).map((known_) => PREFIX + known_);
    throw new Error(`unknown backend ${JSON.stringify(backend)}; this adapter is one of ${known.join(", ")}`);
  }
  const {fromModules, fromUnion} = loader(modules);
  const tf = {...fromUnion("@tensorflow/tfjs-core"), ...fromUnion("@tensorflow/tfjs-layers")};
  fromUnion("@tensorflow/tfjs-backend-cpu");
  const wasm = name === "wasm" ? fromModules("@tensorflow/tfjs-backend-wasm") : undefined;
  const version = fromModules("@tensorflow/tfjs/package.json").version;
  const runtime = {backend, name, tf, wasm, version};
  BACKENDS[name].prepare(runtime);
  await tf.setBackend(name);
  assertBackend(runtime);
  return runtime;
}

/** Fail where TensorFlow.js has fallen back to another backend than the one under test. */
export function assertBackend({tf, name}) {
  if (tf.getBackend() !== name) {
    throw new Error(`TensorFlow.js runs on ${tf.getBackend()}, not on ${name}`);
  }
}

/** The protocol's `Identity` of a started runtime. */
export function identity(runtime, subjects) {
  const {tf, wasm, name} = runtime;
  return {
    name: runtime.backend,
    language: "javascript",
    versions: {
      "tensorflow.js": runtime.version,
      "tfjs-core": tf.version_core,
      "tfjs-layers": tf.version_layers,
      ...(wasm && {"tfjs-backend-wasm": wasm.version_wasm}),
      node: process.versions.node,
      v8: process.versions.v8,
    },
    settings: {
      ...BACKENDS[name].settings(runtime),
      seed: "none: TensorFlow.js has no global seed",
    },
    platform: {
      machine: os.arch(),
      system: `${os.type()} ${os.release()}`,
      processor: os.cpus()[0]?.model ?? "unknown",
    },
    arithmetic: ARITHMETIC[name],
    capabilities: Object.fromEntries([...subjects].map(([subject, {observables}]) => [subject, observables])),
  };
}
