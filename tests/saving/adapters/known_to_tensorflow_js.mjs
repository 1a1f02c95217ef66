/**
 * What TensorFlow.js knows by name, in the words of Keras: `node known_to_tensorflow_js.mjs MODULES`, with
 * `{class: its required arguments}` of the layers on standard input, prints JSON.
 */
import {readFileSync} from "node:fs";
import path from "node:path";
import {createRequire} from "node:module";

const adapter = "../../../conformance/runners/tfjs";
const {keyToKeras} = await import(`${adapter}/naming.mjs`);
const {signature} = await import(`${adapter}/signature.mjs`);
const {registeredSubjects} = await import(`${adapter}/subjects.mjs`);

const tf = createRequire(path.resolve(process.argv[2], "index.js"))("@tensorflow/tfjs");
await tf.setBackend("cpu");
const subjects = registeredSubjects(tf);
const classes = tf.serialization.SerializationMap.getMap().classNameMap;

function layers(required) {
  return Object.fromEntries(
    Object.entries(required)
      .filter(([name]) => subjects.has(`layers.${name}`))
      .map(([name, config]) => [
        name,
        Object.keys(signature(subjects.get(`layers.${name}`), config).arguments).sort(),
      ]),
  );
}

/** The keys that a constructor reads of its argument, whether or not it is content with it. */
function readBy(constructor) {
  const read = new Set();
  try {
    new constructor(
      new Proxy({}, {get: (_, key) => void (typeof key === "string" && read.add(keyToKeras(key)))}),
    );
  } catch {
    // It has been asked all the same.
  }
  return [...read].sort();
}

function objects(member) {
  const base = Object.getPrototypeOf(member.constructor);
  return Object.fromEntries(
    Object.entries(classes)
      .filter(([, [constructor]]) => constructor.prototype instanceof base)
      .map(([name, [constructor]]) => [name, readBy(constructor)]),
  );
}

const Activation = Object.getPrototypeOf(tf.layers.activation({activation: "linear"}).activation.constructor);
console.log(
  JSON.stringify({
    layers: layers(JSON.parse(readFileSync(0, "utf8"))),
    initializers: objects(tf.initializers.zeros()),
    regularizers: objects(tf.regularizers.l1l2()),
    constraints: objects(tf.constraints.nonNeg()),
    activations: Object.keys(classes)
      .filter((name) => classes[name][0].prototype instanceof Activation)
      .sort(),
  }),
);
