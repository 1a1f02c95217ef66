/** Saves models with TensorFlow.js: `node tfjs_models.mjs MODULES FOLDER`. */
import {mkdirSync, writeFileSync} from "node:fs";
import {createRequire} from "node:module";
import path from "node:path";

const [, , modules, folder] = process.argv;
const tf = createRequire(path.resolve(modules, "index.js"))("@tensorflow/tfjs");
const {layers} = tf;

/** Writes what `model.save` hands over: a model.json and its weights. */
const directory = (name) => ({
  async save({modelTopology, weightData, weightSpecs, generatedBy}) {
    const into = path.join(folder, name);
    mkdirSync(into, {recursive: true});
    writeFileSync(path.join(into, "weights.bin"), Buffer.from(weightData));
    const weightsManifest = [{paths: ["weights.bin"], weights: weightSpecs}];
    const written = {format: "layers-model", generatedBy, convertedBy: null, modelTopology, weightsManifest};
    writeFileSync(path.join(into, "model.json"), JSON.stringify(written));
    return {modelArtifactsInfo: {dateSaved: new Date(), modelTopologyType: "JSON"}};
  },
});

function sequential() {
  return tf.sequential({
    layers: [
      layers.conv2d({inputShape: [6, 5, 3], filters: 4, kernelSize: 3, activation: "relu", name: "conv"}),
      layers.batchNormalization({name: "norm"}),
      layers.flatten({name: "flat"}),
      layers.dense({units: 5, activation: "softmax", name: "top"}),
    ],
  });
}

/** Two inputs, a shared layer, and paths that part and meet again; two outputs. */
function diamond() {
  const [left, right] = ["left", "right"].map((name) => tf.input({shape: [6], name}));
  const shared = layers.dense({units: 4, activation: "tanh", name: "shared"});
  const parts = [shared.apply(left), shared.apply(right)];
  const mean = layers.average({name: "mean"}).apply(parts);
  const joined = layers.concatenate({name: "join"}).apply([mean, layers.multiply({name: "times"}).apply(parts)]);
  const top = layers.dense({units: 2, name: "top"}).apply(joined);
  return tf.model({inputs: [left, right], outputs: [top, mean]});
}

/** A tower inside a head inside the model; the tower is called twice. */
function nested() {
  const inputs = () => [tf.input({shape: [6]}), tf.input({shape: [6]})];
  const tower = tf.sequential({
    layers: [
      layers.dense({inputShape: [6], units: 5, activation: "relu", name: "low"}),
      layers.dense({units: 3, name: "high"}),
    ],
    name: "tower",
  });
  const inner = inputs();
  const sum = layers.add({name: "sum"}).apply(inner.map((x) => tower.apply(x)));
  const head = tf.model({inputs: inner, outputs: sum, name: "head"});
  const outer = inputs();
  const top = layers.dense({units: 2, name: "top"}).apply(head.apply(outer));
  return tf.model({inputs: outer, outputs: top});
}

/** Masks from an embedding, through a dropout, to where they end; a layer behind has none. */
function text() {
  const words = tf.input({shape: [7], dtype: "int32"});
  let x = layers.embedding({inputDim: 11, outputDim: 4, maskZero: true, name: "embedding"}).apply(words);
  const recurrent = {units: 3, recurrentActivation: "sigmoid"};
  x = layers.lstm({...recurrent, returnSequences: true, name: "first"}).apply(x);
  x = layers.dropout({rate: 0.5, name: "dropout"}).apply(x);
  x = layers.lstm({...recurrent, name: "second"}).apply(x);
  return tf.model({inputs: words, outputs: layers.dense({units: 1, name: "top"}).apply(x)});
}

/** A recurrent layer that starts from the states in which another one ended. */
function states() {
  const x = tf.input({shape: [5, 3]});
  const [, h, c] = layers.lstm({units: 4, returnState: true, name: "encoder"}).apply(x);
  const y = layers.lstm({units: 4, name: "decoder"}).apply(x, {initialState: [h, c]});
  return tf.model({inputs: x, outputs: y});
}

for (const make of [sequential, diamond, nested, text, states]) {
  await make().save(directory(make.name));
}
