/** A model that comes in files, is loaded and called by TensorFlow.js, and saved into files again. */
import path from "node:path";
import {Failure, attempt, classified} from "./failures.mjs";
import {namesInKeras} from "./layer.mjs";
import {disposingEverything} from "./memory.mjs";
import {tensorOf, wireJSON, wireTensor} from "./protocol.mjs";

export const MODELS = ["models.Functional", "models.Sequential"];

/** Both named as TensorFlow.js names them where it saves a model for a browser to download. */
const FORMAT = "model.json";
const WEIGHTS = "model.weights.bin";

/** Patterns of the observables of a model. */
export const OBSERVABLES = [`loaded/${FORMAT}/*`, `file/${FORMAT}`];

const listed = (value) => (Array.isArray(value) ? value : [value]);

/** What hands the files over as a page hands over those that it has fetched. */
function handing(tf, files) {
  const bytes = (name) => Buffer.from(files[path.posix.normalize(name)], "base64");
  const weightsOf = async (manifest) => {
    const content = Buffer.concat(manifest.flatMap(({paths}) => paths.map(bytes)));
    return [tf.io.getWeightSpecs(manifest), Uint8Array.from(content).buffer];
  };
  return {load: () => tf.io.getModelArtifactsForJSON(JSON.parse(bytes(FORMAT).toString("utf8")), weightsOf)};
}

/** The files that a model saves itself into, as it does for a download. */
async function filesOf(model) {
  const files = {};
  await model.save({
    async save({weightData, weightSpecs, ...topology}) {
      const weightsManifest = [{paths: [`./${WEIGHTS}`], weights: weightSpecs}];
      files[FORMAT] = Buffer.from(JSON.stringify({...topology, weightsManifest})).toString("base64");
      files[WEIGHTS] = Buffer.from(weightData).toString("base64");
      return {modelArtifactsInfo: {dateSaved: new Date(), modelTopologyType: "JSON"}};
    },
  });
  return files;
}

/** Every weight of the model, by the names of the models around its layer, of that, and its own. */
function weightsOf(tf, model, around = []) {
  return model.layers.flatMap((layer) => {
    const within = [...around, layer.name];
    if (layer instanceof tf.LayersModel) {
      return weightsOf(tf, layer, within);
    }
    const names = namesInKeras(layer);
    return layer.weights.map((weight, i) => [[...within, names[i]].join("/"), wireTensor(weight.read())]);
  });
}

function called(tf, model, asked) {
  const inputs = asked.inputs.map((wire, i) => tensorOf(tf, wire, `input ${i}`));
  const batchSize = Math.max(inputs[0].shape[0], 1);
  return listed(model.predict(inputs.length === 1 ? inputs[0] : inputs, {batchSize}));
}

const ANSWERS = [
  [/^loaded\/[^/]+\/config$/, (tf, model) => attempt("config", () => wireJSON(model.toJSON(null, false)))],
  [/^loaded\/[^/]+\/weights$/, (tf, model) => wireJSON(Object.fromEntries(weightsOf(tf, model)))],
  [/^loaded\/[^/]+\/output\/(\d+)$/, (tf, model, asked, i) => wireTensor(called(tf, model, asked)[i])],
  [/^file\/model\.json$/, async (tf, model) => wireJSON(await filesOf(model))],
];

async function answer(tf, model, asked, observable) {
  const [match, respond] = ANSWERS.map(([pattern, respond]) => [pattern.exec(observable), respond]).find(
    ([match]) => match,
  ) ?? [null];
  if (match === null) {
    throw new Failure("not-implemented", "call", `unknown observable ${observable}`);
  }
  return respond(tf, await model, asked, match[1]);
}

/** Where a fault is taken to come from that says nothing of it, by the beginning of the observable. */
const STEPS = {file: "save", loaded: "call"};

/** A promise of the `observables` of the protocol's observation of a model. */
export function exchange(tf, asked) {
  return disposingEverything(tf, async () => {
    const model = tf.loadLayersModel(handing(tf, asked.files)).catch((error) => {
      throw classified(error, "load");
    });
    const observables = {};
    for (const name of asked.observables) {
      observables[name] = await answer(tf, model, asked, name).catch((error) =>
        classified(error, STEPS[name.split("/")[0]]).toWire(),
      );
    }
    return observables;
  });
}
