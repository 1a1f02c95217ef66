/**
 * Small models of TensorFlow.js: `node models_of_tensorflow_js.mjs MODULES` prints the JSON of each, and of those
 * that standard input describes, as `{name: model_config}`, after they have been loaded:
 * `{own: {name: JSON}, given: {name: JSON or error}}`.
 */
import {readFileSync} from "node:fs";
import path from "node:path";
import {createRequire} from "node:module";

const tf = createRequire(path.resolve(process.argv[2], "index.js"))("@tensorflow/tfjs");
await tf.setBackend("cpu");
const L = tf.layers;

function sequential() {
  const inner = L.dense({units: 2, activation: "hardSigmoid", kernelInitializer: "leCunNormal"});
  return tf.sequential({
    name: "sequential",
    layers: [
      L.masking({inputShape: [4, 2], name: "masking"}),
      L.lstm({units: 3, returnSequences: true, kernelRegularizer: tf.regularizers.l2({l2: 0.5})}),
      L.timeDistributed({layer: inner, name: "each"}),
      L.bidirectional({layer: L.gru({units: 2}), mergeMode: "concat", name: "both"}),
    ],
  });
}

function nested() {
  const x = tf.input({shape: [4], name: "x"});
  const shared = tf.sequential({
    name: "inside",
    layers: [L.dense({units: 4, inputShape: [4], activation: "swish"}), L.leakyReLU({alpha: 0.25})],
  });
  const [y, z] = [shared.apply(x), shared.apply(x)];
  return tf.model({inputs: x, outputs: [L.concatenate({name: "joined"}).apply([y, z]), y], name: "nested"});
}

function image() {
  const x = tf.input({shape: [6, 6, 2], name: "image"});
  const y = L.separableConv2d({filters: 3, kernelSize: 2, padding: "same"}).apply(x);
  const z = L.maxPooling2d({poolSize: 2}).apply(L.batchNormalization().apply(y));
  return tf.model({inputs: x, outputs: L.flatten().apply(L.reLU({maxValue: 6}).apply(z)), name: "image"});
}

function text() {
  const layers = [
    L.embedding({inputDim: 7, outputDim: 3, inputLength: 5, maskZero: true}),
    L.rnn({cell: [L.lstmCell({units: 3}), L.simpleRNNCell({units: 2})], name: "stack"}),
  ];
  return tf.sequential({layers, name: "text"});
}

const own = {};
for (const make of [sequential, nested, image, text]) {
  own[make.name] = make().toJSON(null, false);
}
const given = {};
for (const [name, configuration] of Object.entries(JSON.parse(readFileSync(0, "utf8") || "{}"))) {
  try {
    const model = await tf.loadLayersModel(tf.io.fromMemory({modelTopology: {model_config: configuration}}));
    given[name] = model.toJSON(null, false);
  } catch (error) {
    given[name] = String(error);
  }
}
console.log(JSON.stringify({own, given}));
