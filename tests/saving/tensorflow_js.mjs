/**
 * Loads and saves models with TensorFlow.js: reads a JSON array of requests from standard input, and writes an
 * array of answers. A request is one of
 *
 * - `{"classes": true}`: the names of the registered classes;
 * - `{"load": directory or URL, "save"?: directory, "optimizer"?: true}`: a model's weights, layer by layer, its
 *   metadata and, if it is compiled, the class of its optimizer and, if asked, its weights; it is then saved;
 * - `{"decode": directory}`: the weights of a manifest, without a model;
 * - `{"make": name, "save": directory, "optimizer"?: true}`: a model of `MODELS`, saved.
 *
 * Run as `node tensorflow_js.mjs FOLDER`, where FOLDER holds the `node_modules`.
 */
import fs from "node:fs";
import {createRequire} from "node:module";
import path from "node:path";

const load = createRequire(path.resolve(process.argv[2], "index.js"));
// TensorFlow.js prints advice about its Node package.
console.log = console.warn = console.error;
const tf = load("@tensorflow/tfjs");
await tf.setBackend("cpu");

const MODELS = {
  dense() {
    const model = tf.sequential();
    model.add(tf.layers.dense({units: 3, inputShape: [4], activation: "relu"}));
    model.add(tf.layers.dense({units: 2}));
    return model;
  },
  /** Frozen layers and moving statistics: TensorFlow.js saves what is trained before what is not. */
  convolutional() {
    const model = tf.sequential();
    model.add(tf.layers.conv2d({filters: 3, kernelSize: 3, inputShape: [8, 8, 2], trainable: false}));
    model.add(tf.layers.batchNormalization());
    model.add(tf.layers.depthwiseConv2d({kernelSize: 2}));
    model.add(tf.layers.globalAveragePooling2d({dataFormat: "channelsLast"}));
    model.add(tf.layers.dense({units: 2}));
    return model;
  },
  recurrent() {
    const cells = [tf.layers.lstmCell({units: 3}), tf.layers.gruCell({units: 2, resetAfter: false})];
    const lstm = () => tf.layers.lstm({units: 3, returnSequences: true});
    const model = tf.sequential();
    model.add(tf.layers.embedding({inputDim: 7, outputDim: 4, inputLength: 5}));
    model.add(lstm());
    model.add(tf.layers.bidirectional({layer: lstm()}));
    model.add(tf.layers.timeDistributed({layer: tf.layers.dense({units: 3})}));
    model.add(tf.layers.rnn({cell: cells}));
    return model;
  },
  nested() {
    const tower = tf.sequential({name: "tower"});
    tower.add(tf.layers.dense({units: 3, inputShape: [4], name: "inner"}));
    const [a, b] = [tf.input({shape: [4]}), tf.input({shape: [4]})];
    const joined = tf.layers.concatenate().apply([tower.apply(a), tower.apply(b)]);
    const model = tf.model({inputs: [a, b], outputs: tf.layers.dense({units: 1, name: "head"}).apply(joined)});
    model.setUserDefinedMetadata({classes: ["no", "yes"]});
    return model;
  },
  async trained() {
    const model = MODELS.dense();
    model.compile({optimizer: "adam", loss: "meanSquaredError", metrics: ["accuracy"]});
    await model.fit(tf.ones([4, 4]), tf.ones([4, 2]), {epochs: 2, verbose: 0});
    return model;
  },
};

/** A tensor by its bytes: little-endian, as the machines are that this runs on. */
async function told(name, tensor) {
  const values = await tensor.data();
  const bytes = Buffer.from(values.buffer, values.byteOffset, values.byteLength);
  return {name, shape: tensor.shape, dtype: tensor.dtype, data: bytes.toString("base64")};
}

const all = (items, ask) => Promise.all(items.map(ask));

function artifacts(directory) {
  const model = JSON.parse(fs.readFileSync(path.join(directory, "model.json"), "utf8"));
  const read = (group) => Buffer.concat(group.paths.map((name) => fs.readFileSync(path.join(directory, name))));
  const data = Uint8Array.from(Buffer.concat(model.weightsManifest.map(read))).buffer;
  return tf.io.getModelArtifactsForJSONSync(model, tf.io.getWeightSpecs(model.weightsManifest), data);
}

async function save(model, directory, includeOptimizer) {
  const saver = tf.io.withSaveHandler(async (artifacts) => {
    const {weightSpecs, weightData, ...rest} = artifacts;
    // As TensorFlow.js downloads a model in a browser.
    const manifest = [{paths: ["./model.weights.bin"], weights: weightSpecs}];
    fs.mkdirSync(directory);
    fs.writeFileSync(path.join(directory, "model.json"), JSON.stringify({...rest, weightsManifest: manifest}));
    fs.writeFileSync(path.join(directory, "model.weights.bin"), Buffer.from(weightData));
    return {modelArtifactsInfo: tf.io.getModelArtifactsInfoForJSON(artifacts)};
  });
  await model.save(saver, {includeOptimizer});
}

async function answer(request) {
  if (request.classes) {
    return Object.keys(tf.serialization.SerializationMap.getMap().classNameMap);
  }
  if (request.decode) {
    const {weightData, weightSpecs} = artifacts(request.decode);
    return all(Object.entries(tf.io.decodeWeights(weightData, weightSpecs)), ([name, value]) => told(name, value));
  }
  const model = request.make
    ? await MODELS[request.make]()
    : await tf.loadLayersModel(
        request.load.startsWith("http:") ? request.load : tf.io.fromMemory(artifacts(request.load)),
      );
  if (request.save) {
    await save(model, request.save, request.optimizer ?? false);
  }
  const layer = async ({name, weights}) => [name, await all(weights, (w) => told(w.originalName, w.read()))];
  return {
    layers: Object.fromEntries(await all(model.layers, layer)),
    metadata: model.getUserDefinedMetadata() ?? null,
    compiled: model.optimizer?.getClassName() ?? null,
    optimizer:
      request.optimizer && model.optimizer
        ? await all(await model.optimizer.getWeights(), (w) => told(w.name, w.tensor))
        : null,
  };
}

const answers = [];
for (const request of JSON.parse(fs.readFileSync(0, "utf8"))) {
  answers.push(await answer(request).catch((error) => ({error: error.message})));
}
process.stdout.write(JSON.stringify(answers));
