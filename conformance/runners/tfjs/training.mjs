/** Training runs asked of TensorFlow.js: a model of the case, compiled, and what its methods do with its data. */
import {namesInKeras} from "./layer.mjs";
import {Failure, attempt, classified} from "./failures.mjs";
import {disposingEverything} from "./memory.mjs";
import {LOSSES, METRICS, identifierToTensorFlowJS, keyToTensorFlowJS, logSpelled, logToKeras} from "./naming.mjs";
import {slotsOf} from "./optimizers.mjs";
import {tensorOf, wireJSON, wireTensor} from "./protocol.mjs";
import {seeded} from "./randomness.mjs";

/** What a case can ask for, by its name in the configuration. */
const METHODS = ["fit", "evaluate", "predict", "train_on_batch"];

/** Patterns of the observables of a training run; there is no `testOnBatch`, and `evaluate` has no callbacks. */
export const OBSERVABLES = ["fit/*", "evaluate/log/*", "predict/*", "train_on_batch/*", "refusal"];

/** The arguments of each method and function, by Keras's names. */
const ARGUMENTS = {
  compile: ["optimizer", "loss", "metrics"],
  fit: [
    "batch_size", "epochs", "validation_split", "class_weight", "initial_epoch", "steps_per_epoch", "validation_steps",
  ],
  evaluate: ["batch_size", "steps"],
  predict: ["batch_size"],
};

/** What methods for datasets call an argument, by Keras's name, where they have another name for it. */
const OF_DATASETS = {steps_per_epoch: "batchesPerEpoch", validation_steps: "validationBatches", steps: "batches"};

/** By Keras's name, what a custom callback calls an occasion. */
const OCCASIONS = {
  on_train_begin: "onTrainBegin",
  on_train_end: "onTrainEnd",
  on_epoch_begin: "onEpochBegin",
  on_epoch_end: "onEpochEnd",
  on_train_batch_begin: "onBatchBegin",
  on_train_batch_end: "onBatchEnd",
};

/** By Keras's name, what makes a callback of TensorFlow.js: those of `tf.callbacks`, and any that a user writes. */
const callbacksOf = (tf) => ({
  ...Object.fromEntries(
    Object.entries(tf.callbacks).map(([name, make]) => [name[0].toUpperCase() + name.slice(1), make]),
  ),
  LambdaCallback: (functions) => new tf.CustomCallback(functions, "never"),
});

/** The subjects that are training runs. */
export const runs = (tf) => [
  "training.Functional",
  "training.Sequential",
  ...Object.keys(callbacksOf(tf)).map((name) => `callbacks.${name}`),
];

const oneOrAll = (items) => (items?.length === 1 ? items[0] : items);

/** So many samples, or those that are left. */
const cut = (tensor, start, size) => tensor.slice(start, Math.min(size, tensor.shape[0] - start));

const listed = (value) => (Array.isArray(value) ? value : [value]);

/** Arguments by the names of TensorFlow.js, of which some are `named`; throws where it has none. */
function argumentsOf(method, given, named = {}) {
  const unknown = Object.keys(given).filter((name) => !ARGUMENTS[method].includes(name));
  if (unknown.length > 0) {
    const message = `${method} of TensorFlow.js takes no ${unknown.join(", ")}`;
    throw new Failure("not-implemented", "construction", message);
  }
  const own = (name) => named[name] ?? keyToTensorFlowJS(name);
  return Object.fromEntries(Object.entries(given).map(([name, value]) => [own(name), value]));
}

/** The model that a configuration describes, of layers that are made as in cases about these. */
function modelOf(tf, subjects, {class_name, config}) {
  const made = (description) =>
    description.class_name in {Sequential: 0, Functional: 0}
      ? modelOf(tf, subjects, description)
      : subjects.get(`layers.${description.class_name}`).create(description.config);
  if (class_name === "Sequential") {
    return tf.sequential({name: config.name, layers: config.layers.map(made)});
  }
  const outputs = new Map();
  for (const description of config.layers) {
    const {name} = description.config;
    if (description.class_name === "InputLayer") {
      const {batch_shape: batchShape, dtype} = description.config;
      outputs.set(`${name} 0`, [tf.input({batchShape, dtype, name})]);
      continue;
    }
    const layer = made(description);
    for (const [i, node] of description.inbound_nodes.entries()) {
      const inputs = node.map(([from, call, output]) => outputs.get(`${from} ${call}`)[output]);
      outputs.set(`${name} ${i}`, listed(layer.apply(oneOrAll(inputs))));
    }
  }
  const ends = (references) => references.map(([layer, call, output]) => outputs.get(`${layer} ${call}`)[output]);
  return tf.model({name: config.name, inputs: ends(config.input_layers), outputs: ends(config.output_layers)});
}

/** Every weight of the model, by the names of the models around its layer, of that, and its own. */
function weightsOf(tf, model, around = []) {
  return model.layers.flatMap((layer) => {
    const within = [...around, layer.name];
    if (layer instanceof tf.LayersModel) {
      return weightsOf(tf, layer, within);
    }
    const names = namesInKeras(layer);
    return layer.weights.map((weight, i) => [[...within, names[i]].join("/"), weight]);
  });
}

/** What `compile` takes for a class of Keras with its configuration: a function, or its name. */
const OBJECTIVES = {
  loss: (tf, name) => LOSSES[name],
  metrics: (tf, name) => tf.metrics[METRICS[name]?.function] ?? METRICS[name]?.identifier,
};

function objective(tf, argument, {class_name: name, config}) {
  const found = OBJECTIVES[argument](tf, name);
  const others = Object.keys(config);
  if (found === undefined || others.length > 0) {
    const message = `losses and metrics of TensorFlow.js are functions without arguments, given ${[name, ...others].join(", ")}`;
    throw new Failure("not-implemented", "construction", message);
  }
  return found;
}

/** Losses or metrics, one for each output, in any of the forms that `compile` takes. */
function objectives(tf, argument, given) {
  if (typeof given === "string") {
    return identifierToTensorFlowJS(given);
  }
  if (Array.isArray(given)) {
    return given.map((one) => objectives(tf, argument, one));
  }
  if (given && "class_name" in given) {
    return objective(tf, argument, given);
  }
  return given && Object.fromEntries(Object.entries(given).map(([name, one]) => [name, objectives(tf, argument, one)]));
}

/** A model of a case, its data, and what its methods tell. */
class Run {
  constructor(tf, subjects, {subject, config, inputs, weights}) {
    const [kind, name] = subject.split(".");
    Object.assign(this, {tf, config, told: {}, callback: kind === "callbacks" ? name : undefined});
    const description = {class_name: this.callback ? "Sequential" : name, config: config.model};
    this.model = attempt("construction", () => modelOf(tf, subjects, description));
    this.weights = weightsOf(tf, this.model);
    attempt("build", () => {
      this.weights.forEach(([name, weight]) => weight.write(tensorOf(tf, weights[name], name)));
    });
    this.compile(subjects, config.compile);
    this.data = this.dataOf(config.data, inputs);
    this.heldOut = config.data.validation && this.dataOf(config.data.validation, inputs);
  }

  /** Compile the model, with an optimizer of `tf.train` or the name of one. */
  compile(subjects, {optimizer: given, ...others}) {
    const {class_name: name, config} = typeof given === "string" ? {class_name: given, config: {}} : given;
    const known = [...subjects.keys()].find((key) => key.toLowerCase() === `optimizers.${name.toLowerCase()}`);
    if (known === undefined && typeof given !== "string") {
      throw new Failure("not-implemented", "construction", `TensorFlow.js has no optimizer ${name}`);
    }
    const subject = subjects.get(known);
    this.slots = subject ? slotsOf(subject.entry(config), config) : [];
    attempt("construction", () => {
      const named = Object.entries(argumentsOf("compile", others));
      const reached = Object.fromEntries(named.map(([key, x]) => [key, objectives(this.tf, key, x)]));
      this.model.compile({optimizer: typeof given === "string" ? given : subject.create(config), ...reached});
    });
  }

  dataOf(places, inputs) {
    const tensors = (name) => places[name]?.map((i) => tensorOf(this.tf, inputs[i], `input ${i}`));
    return Object.fromEntries(["x", "y", "sample_weight"].map((name) => [name, tensors(name)]));
  }

  /** Data in batches of the sizes that the case says: a dataset of them, or what a generator yields. */
  datasetOf({batches, once}, {x, y, sample_weight: weights}) {
    if (weights) {
      throw new Failure("not-implemented", "call", "datasets of TensorFlow.js have no weights of samples");
    }
    let start = 0;
    const items = batches.map((size) => {
      const [xs, ys] = [x, y].map((tensors) => oneOrAll(tensors.map((tensor) => tensor.slice(start, size))));
      start += size;
      return {xs, ys};
    });
    const generated = function* () {
      yield* items;
    };
    return once ? this.tf.data.generator(generated) : this.tf.data.array(items);
  }

  tell(prefix, logs) {
    for (const [name, value] of Object.entries(logs)) {
      this.told[`${prefix}/${logToKeras(name)}`] = wireTensor(this.tf.tensor(value, undefined, "float32"));
    }
  }

  tellWeights(prefix) {
    this.weights.forEach(([name, weight]) => (this.told[`${prefix}/${name}`] = wireTensor(weight.read())));
  }

  async tellState(step) {
    this.tellWeights(`${step}/weight`);
    if (this.slots.length === 0) {
      return;
    }
    const nameOf = new Map(this.weights.map(([name, weight]) => [weight.id, name]));
    const trained = this.model.trainableWeights.map(({id}) => nameOf.get(id));
    const held = await this.model.optimizer.getWeights().catch((error) => classified(error, "call"));
    this.slots.forEach((slot, i) =>
      trained.forEach((name, j) => {
        this.told[`${step}/slot/${name}/${slot}`] =
          held instanceof Failure ? held.toWire() : wireTensor(held[1 + i * trained.length + j].tensor);
      }),
    );
  }

  /** A callback that notes every occasion with the names in its logs, and what there is after each step. */
  watching() {
    const occasions = (this.told["fit/callbacks"] = wireJSON([])).value;
    let steps = 0;
    const note = (name) => async (...given) => {
      const logs = given.at(-1) ?? {};
      occasions.push([name, ...given.slice(0, -1), Object.keys(logs).map(logSpelled).sort()]);
      if (name === "on_train_batch_end") {
        const step = `fit/step/${steps++}`;
        await this.tellState(step);
        this.tell(`${step}/log`, logs);
      }
    };
    const notes = Object.entries(OCCASIONS).map(([name, own]) => [own, note(name)]);
    return new this.tf.CustomCallback(Object.fromEntries(notes), "never");
  }

  /** The callbacks of the case, which is about one or none, and one that watches. */
  callbacks() {
    const watching = this.watching();
    if (this.callback === undefined) {
      return [watching];
    }
    const stop = () => {
      this.model.stopTraining = true;
    };
    const own = Object.entries(this.config.callback ?? {}).map(([key, value]) =>
      key in OCCASIONS ? [OCCASIONS[key], stop] : [keyToTensorFlowJS(key), value],
    );
    const made = attempt("construction", () => callbacksOf(this.tf)[this.callback](Object.fromEntries(own)));
    return [made, watching];
  }

  async fit() {
    const {data: places, fit = {}} = this.config;
    const history = await (places.batches ? this.fitBatches(places, fit) : this.fitTensors(fit));
    this.told["fit/epochs"] = wireJSON(history.epoch);
    this.tell("fit/history", history.history);
    this.tellWeights("fit/weight");
  }

  fitTensors(given) {
    const {x, y, sample_weight: weights} = this.data;
    const heldOut = this.heldOut && Object.values(this.heldOut).filter((tensors) => tensors !== undefined);
    return this.model.fit(oneOrAll(x), oneOrAll(y), {
      ...argumentsOf("fit", given),
      ...(weights && {sampleWeight: oneOrAll(weights)}),
      ...(heldOut && {validationData: heldOut.map(oneOrAll)}),
      shuffle: false,
      callbacks: this.callbacks(),
    });
  }

  fitBatches(places, given) {
    const heldOut = places.validation && this.datasetOf(places.validation, this.heldOut);
    return this.model.fitDataset(this.datasetOf(places, this.data), {
      epochs: 1, // it has no default here
      ...argumentsOf("fit", given, OF_DATASETS),
      ...(heldOut && {validationData: heldOut}),
      callbacks: this.callbacks(),
    });
  }

  async evaluate() {
    const {data: places, evaluate: given = {}} = this.config;
    const {x, y, sample_weight: weights} = this.data;
    const outs = await (places.batches
      ? this.model.evaluateDataset(this.datasetOf(places, this.data), argumentsOf("evaluate", given, OF_DATASETS))
      : this.model.evaluate(oneOrAll(x), oneOrAll(y), {
          ...argumentsOf("evaluate", given),
          ...(weights && {sampleWeight: oneOrAll(weights)}),
        }));
    const values = listed(outs).map((out) => out.dataSync()[0]);
    this.tell("evaluate/log", Object.fromEntries(this.model.metricsNames.map((name, i) => [name, values[i]])));
  }

  predict() {
    if (this.config.data.batches) {
      throw new Failure("not-implemented", "call", "predict of TensorFlow.js takes no datasets");
    }
    const outputs = this.model.predict(oneOrAll(this.data.x), argumentsOf("predict", this.config.predict ?? {}));
    listed(outputs).forEach((output, i) => (this.told[`predict/output/${i}`] = wireTensor(output)));
  }

  async train_on_batch() {
    if (this.data.sample_weight) {
      throw new Failure("not-implemented", "call", "trainOnBatch of TensorFlow.js takes no weights of samples");
    }
    let start = 0;
    for (const [i, size] of this.config.train_on_batch.entries()) {
      const [x, y] = [this.data.x, this.data.y].map((tensors) =>
        oneOrAll(tensors.map((tensor) => cut(tensor, start, size))),
      );
      const values = listed(await this.model.trainOnBatch(x, y));
      await this.tellState(`train_on_batch/${i}`);
      const logs = Object.fromEntries(this.model.metricsNames.map((name, j) => [name, values[j]]));
      this.tell(`train_on_batch/${i}/log`, logs);
      start += size;
    }
  }
}

/** What a method tells by observable, or the failure that it ends in. */
async function ran(tf, subjects, asked, method) {
  try {
    const run = new Run(tf, subjects, asked);
    await run[method]();
    return run.told;
  } catch (error) {
    return classified(error, "call");
  }
}

/** Nothing, where every method that the case asks for can be called, or the failure that the first ends in. */
async function refusal(tf, subjects, asked) {
  for (const method of METHODS.filter((name) => name in asked.config)) {
    const told = await ran(tf, subjects, asked, method);
    if (told instanceof Failure) {
      return told.toWire();
    }
  }
  return wireJSON(null);
}

/** A promise of the `observables` of the protocol's observation of a training run: each method has a model of its own. */
export function train(tf, subjects, asked) {
  const answered = async () => {
    const told = {};
    const observables = {};
    for (const name of asked.observables) {
      if (name === "refusal") {
        observables[name] = await refusal(tf, subjects, asked);
        continue;
      }
      const [method] = name.split("/");
      told[method] ??= await ran(tf, subjects, asked, method);
      const failure = told[method] instanceof Failure ? told[method] : unknown(method, name, told[method]);
      observables[name] = told[method][name] ?? failure.toWire();
    }
    return observables;
  };
  return disposingEverything(tf, () => seeded(asked.seed, answered));
}

const unknown = (method, name, told) =>
  new Failure("invalid-argument", "call", `${method} has not told ${name}; it has told ${Object.keys(told).join(", ")}`);
