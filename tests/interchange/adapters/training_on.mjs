/**
 * Trains on with TensorFlow.js: `node training_on.mjs MODULES FOLDER OUT` loads each model under FOLDER, which its
 * compilation and the state of its optimizer come with, saves it in OUT as it was loaded, trains it for another
 * epoch on the arrays on standard input, `{"x", "y"}`, and tells `{NAME: {state, weights}}`: the variables of its
 * optimizer as they were loaded, and its weights in the end.
 */
import {mkdirSync, readFileSync, readdirSync, writeFileSync} from "node:fs";
import {createRequire} from "node:module";
import path from "node:path";

const [, , modules, folder, out] = process.argv;
console.log = console.warn = console.error;
const tf = createRequire(path.resolve(modules, "index.js"))("@tensorflow/tfjs");
await tf.setBackend("cpu");

function artifacts(directory) {
  const model = JSON.parse(readFileSync(path.join(directory, "model.json"), "utf8"));
  const shards = model.weightsManifest.flatMap(({paths}) => paths.map((name) => readFileSync(path.join(directory, name))));
  const data = Uint8Array.from(Buffer.concat(shards)).buffer;
  return tf.io.getModelArtifactsForJSONSync(model, tf.io.getWeightSpecs(model.weightsManifest), data);
}

const into = (directory) =>
  tf.io.withSaveHandler(async ({weightSpecs, weightData, ...rest}) => {
    mkdirSync(directory);
    const weightsManifest = [{paths: ["weights.bin"], weights: weightSpecs}];
    writeFileSync(path.join(directory, "model.json"), JSON.stringify({...rest, weightsManifest}));
    writeFileSync(path.join(directory, "weights.bin"), Buffer.from(weightData));
    return {modelArtifactsInfo: {dateSaved: new Date(), modelTopologyType: "JSON"}};
  });

const listed = ({name, tensor}) => [name, Array.from(tensor.dataSync())];
const {x, y} = JSON.parse(readFileSync(0, "utf8"));
const told = {};
for (const name of readdirSync(folder)) {
  const model = await tf.loadLayersModel(tf.io.fromMemory(artifacts(path.join(folder, name))));
  if (!model.optimizer) {
    told[name] = {state: null};
    continue;
  }
  const state = Adamax(model) ? [] : (await model.optimizer.getWeights()).map(listed);
  if (!Adamax(model)) {
    await model.save(into(path.join(out, name)), {includeOptimizer: true});
  }
  await model.fit(tf.tensor2d(x), tf.tensor2d(y), {epochs: 1, batchSize: 4, shuffle: false, verbose: 0});
  const weights = model.weights.map((weight) => listed({name: weight.originalName, tensor: weight.read()}));
  told[name] = {state: Object.fromEntries(state), weights: Object.fromEntries(weights)};
}
process.stdout.write(JSON.stringify(told));

/** Whose state TensorFlow.js does not give. */
function Adamax(model) {
  return model.optimizer.getClassName() === "Adamax";
}
