/**
 * A saved model, loaded and run by TensorFlow.js: what it is, and what each of its layers was given and gave.
 *
 * The layers are watched during a `predict` of the model itself: what runs its graph, and that of a model inside
 * it, has ways of its own to hand masks on, which a second model that has their outputs would not show.
 */
import {Failure, attempt, classified} from "./failures.mjs";
import {namesInKeras} from "./layer.mjs";
import {disposingEverything} from "./memory.mjs";
import {configToKeras} from "./naming.mjs";
import {bytesOf, tensorOf} from "./protocol.mjs";

/** The formats of saved models that can be asked about: none, where Node has no `fetch` to load them by. */
export const FORMATS = typeof fetch === "function" ? ["model.json"] : [];

/** Bytes of an array that a message holds: whole elements of any dtype, and whole groups of base64. */
const PIECE = 3 * 2 ** 20;

/** The arrays of an answer, which are numbered, and sent as soon as they are there. */
class Arrays {
  constructor(send) {
    this.send = send;
    this.forms = [];
    this.known = new WeakMap();
  }

  number(tensor) {
    const array = this.forms.length;
    const bytes = bytesOf(tensor);
    this.forms.push({dtype: tensor.dtype, shape: tensor.shape});
    for (let start = 0; start < bytes.length; start += PIECE) {
      this.send({array, data: bytes.subarray(start, start + PIECE).toString("base64")});
    }
    return array;
  }

  /** The number of a tensor, the same for as long as there is the tensor. */
  of(tensor) {
    if (!this.known.has(tensor)) {
      this.known.set(tensor, this.number(tensor));
    }
    return this.known.get(tensor);
  }

  ofMask(mask) {
    return mask == null ? null : this.of(mask);
  }
}

const listed = (value) => (Array.isArray(value) ? value : [value]);

/** Every layer of the model, and of the models inside it after each, with its path. */
function layersOf(tf, model, around = []) {
  return model.layers.flatMap((layer) => {
    const path = [...around, layer.name];
    const inside = layer instanceof tf.LayersModel ? layersOf(tf, layer, path) : [];
    return [{path, layer}, ...inside];
  });
}

/** Those that are called: neither models nor what stands for an input. */
const called = (tf, layers) =>
  layers.filter(({layer}) => !(layer instanceof tf.LayersModel) && layer.getClassName() !== "InputLayer");

function described(tf, {path, layer}, arrays, values) {
  if (layer instanceof tf.LayersModel) {
    return {path, subject: `models.${layer.getClassName()}`, config: null, weights: []};
  }
  const trainable = new Set(layer.trainableWeights);
  const names = namesInKeras(layer);
  return {
    path,
    subject: `layers.${layer.getClassName()}`,
    config: configToKeras(layer.getConfig(), layer.getClassName()),
    weights: layer.weights.map((weight, i) => ({
      name: names[i],
      shape: weight.shape,
      dtype: weight.dtype,
      trainable: trainable.has(weight),
      array: values ? arrays.number(weight.read()) : null,
    })),
  };
}

const declared = ({name, shape, dtype}) => ({name, shape, dtype: dtype ?? "float32"});

function predict(model, layers, inputs) {
  layers.filter(({layer}) => layer.stateful).forEach(({layer}) => layer.resetStates());
  const batchSize = Math.max(inputs[0].shape[0], 1);
  return listed(model.predict(inputs.length === 1 ? inputs[0] : inputs, {batchSize}));
}

/** The outputs of the first `predict`, and the seconds that each took until they could be read. */
function timed(model, layers, inputs, repeats, arrays) {
  let results;
  const seconds = [];
  for (let i = 0; i < repeats; i++) {
    const begun = performance.now();
    const outputs = predict(model, layers, inputs);
    outputs.forEach((output) => output.dataSync());
    seconds.push((performance.now() - begun) / 1000);
    results ??= outputs.map((output) => arrays.number(output));
    outputs.forEach((output) => output.dispose());
  }
  return {results, seconds};
}

/** What a call was given beside its inputs, mask and states, as JSON. */
function others(tf, arguments_, arrays) {
  const told = Object.entries(arguments_).filter(([, value]) => value !== undefined);
  return Object.fromEntries(
    told.map(([name, value]) => [name, value instanceof tf.Tensor ? {array: arrays.of(value)} : value]),
  );
}

/** The calls of the layers in a run of the model, and its outputs; the model is of no use after it. */
function watched(tf, model, layers, inputs, arrays) {
  const calls = [];
  for (const {path, layer} of layers) {
    const {apply, call, computeMask} = layer;
    let latest;
    layer.apply = (given, circumstances) => {
      const outputs = apply.call(layer, given, circumstances);
      // What is one of the inputs it has copied.
      listed(outputs).forEach((output, i) => arrays.known.set(output, latest.outputs[i]));
      return outputs;
    };
    layer.call = (given, circumstances = {}) => {
      const {mask, initialState, ...rest} = circumstances;
      const taken = listed(given);
      latest = {
        layer: path,
        inputs: taken.map((x) => arrays.of(x)),
        masks: (mask == null ? taken.map(() => null) : listed(mask)).map((one) => arrays.ofMask(one)),
        initial_state: (initialState ?? []).map((state) => arrays.of(state)),
        others: others(tf, rest, arrays),
      };
      const outputs = call.call(layer, given, circumstances);
      latest.outputs = listed(outputs).map((output) => arrays.of(output));
      latest.output_masks = latest.outputs.map(() => null);
      calls.push(latest);
      return outputs;
    };
    layer.computeMask = (given, masks) => {
      const mask = computeMask.call(layer, given, masks);
      // Whatever runs the graph gives each output the first of them.
      const number = arrays.ofMask(listed(mask)[0]);
      latest.output_masks = latest.outputs.map(() => number);
      return mask;
    };
  }
  return {calls, ends: predict(model, layers, inputs).map((output) => arrays.of(output))};
}

async function load(tf, location) {
  try {
    return await tf.loadLayersModel(location);
  } catch (error) {
    throw classified(error, "load");
  }
}

/** Fill in the answer as far as the model comes; throws a `Failure` where it comes no further. */
async function fill(tf, asked, arrays, answer) {
  const model = await load(tf, asked.location);
  const inputs = attempt("call", () => asked.inputs.map((wire, i) => tensorOf(tf, wire, `input ${i}`)));
  attempt("build", () => {
    if (!model.built || model.inputs == null) {
      model.build(inputs.length === 1 ? inputs[0].shape : inputs.map(({shape}) => shape));
    }
  });
  answer.inputs = model.inputs.map(declared);
  answer.outputs = model.outputs.map(declared);
  const layers = layersOf(tf, model);
  answer.layers = attempt("config", () =>
    layers.map((layer) => described(tf, layer, arrays, asked.weights)),
  );
  const active = called(tf, layers);
  Object.assign(answer, attempt("call", () => timed(model, active, inputs, asked.repeats, arrays)));
  if (asked.layers) {
    Object.assign(answer, attempt("call", () => watched(tf, model, active, inputs, arrays)));
  }
}

/** The answer about a saved model, but for its arrays, which are sent before in pieces `{array, data}`. */
export function inspect(tf, asked, send) {
  const arrays = new Arrays(send);
  return disposingEverything(tf, async () => {
    const answer = {};
    try {
      await fill(tf, asked, arrays, answer);
    } catch (error) {
      if (!(error instanceof Failure)) {
        throw error;
      }
      answer.error = error.toWire();
    }
    return {...answer, arrays: arrays.forms};
  });
}
