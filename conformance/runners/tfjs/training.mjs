/** Training runs asked of TensorFlow.js: a model of the case, compiled, and what its methods do with its data. */
import {namesInKeras} from "./layer.mjs";
import {Failure, attempt, classified} from "./failures.mjs";
import {disposingEverything} from "./memory.mjs";
import {identifierToTensorFlowJS, keyToTensorFlowJS, logToKeras} from "./naming.mjs";
import {slotsOf} from "./optimizers.mjs";
import {tensorOf, wireJSON, wireTensor} from "./protocol.mjs";
import {seeded} from "./randomness.mjs";

export const RUNS = ["training.Functional", "training.Sequential"];

/** What a case can ask for, by its name in the configuration. */
const METHODS = ["fit", "evaluate", "predict", "train_on_batch"];

/** Patterns of the observables of a training run; there is no `testOnBatch`, and `evaluate` has no callbacks. */
export const OBSERVABLES = ["fit/*", "evaluate/log/*", "predict/*", "train_on_batch/*", "refusal"];

/** The arguments of each method and function, by Keras's names. */
const ARGUMENTS = {
  compile: ["optimizer", "loss", "metrics"],
  fit: [
    "batch_size", "epochs", "callbacks", "validation_split", "class_weight", "initial_epoch", "steps_per_epoch",
    "validation_steps",
  ],
  evaluate: ["batch_size", "steps"],
  predict: ["batch_size"],
};

/** By Keras's name, what makes a callback. */
const CALLBACKS = {EarlyStopping: "earlyStopping"};

/** By Keras's name, what a custom callback calls an occasion. */
const OCCASIONS = {
  on_train_begin: "onTrainBegin",
  on_train_end: "onTrainEnd",
  on_epoch_begin: "onEpochBegin",
  on_epoch_end: "onEpochEnd",
  on_train_batch_begin: "onBatchBegin",
  on_train_batch_end: "onBatchEnd",
};

const oneOrAll = (items) => (items?.length === 1 ? items[0] : items);

/** So many samples, or those that are left. */
const cut = (tensor, start, size) => tensor.slice(start, Math.min(size, tensor.shape[0] - start));

const listed = (value) => (Array.isArray(value) ? value : [value]);

/** Arguments by the names of TensorFlow.js; throws where it has none. */
function argumentsOf(method, given) {
  const unknown = Object.keys(given).filter((name) => !ARGUMENTS[method].includes(name));
  if (unknown.length > 0) {
    const message = `${method} of TensorFlow.js takes no ${unknown.join(", ")}`;
    throw new Failure("not-implemented", "construction", message);
  }
  return Object.fromEntries(Object.entries(given).map(([name, value]) => [keyToTensorFlowJS(name), value]));
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

/** Identifiers, one for each output, in any of the forms that `compile` takes. */
function identifiers(given) {
  if (typeof given === "string") {
    return identifierToTensorFlowJS(given);
  }
  if (Array.isArray(given)) {
    return given.map(identifiers);
  }
  return given && Object.fromEntries(Object.entries(given).map(([name, value]) => [name, identifiers(value)]));
}

/** A model of a case, its data, and what its methods tell. */
class Run {
  constructor(tf, subjects, {subject, config, inputs, weights}) {
    Object.assign(this, {tf, config, told: {}});
    const description = {class_name: subject.split(".")[1], config: config.model};
    this.model = attempt("construction", () => modelOf(tf, subjects, description));
    this.weights = weightsOf(tf, this.model);
    attempt("build", () => {
      this.weights.forEach(([name, weight]) => weight.write(tensorOf(tf, weights[name], name)));
    });
    attempt("construction", () => {
      const {optimizer, ...others} = argumentsOf("compile", config.compile);
      const objectives = Object.fromEntries(Object.entries(others).map(([key, x]) => [key, identifiers(x)]));
      this.model.compile({optimizer: this.optimizerOf(subjects, optimizer), ...objectives});
    });
    this.data = this.dataOf(config.data, inputs);
    this.heldOut = config.data.validation && this.dataOf(config.data.validation, inputs);
  }

  /** The optimizer for `compile`, which knows some by name; `slots` are those that it can be asked for. */
  optimizerOf(subjects, given) {
    this.slots = [];
    if (typeof given === "string") {
      return given;
    }
    const {class_name: name, config} = given;
    const optimizer = subjects.get(`optimizers.${name}`);
    if (optimizer === undefined) {
      throw new Failure("not-implemented", "construction", `TensorFlow.js has no optimizer ${name}`);
    }
    this.slots = slotsOf(optimizer.entry(config), config);
    return optimizer.create(config);
  }

  dataOf(places, inputs) {
    const tensors = (name) => places[name]?.map((i) => tensorOf(this.tf, inputs[i], `input ${i}`));
    return Object.fromEntries(["x", "y", "sample_weight"].map((name) => [name, tensors(name)]));
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
      occasions.push([name, ...given.slice(0, -1), Object.keys(logs).sort()]);
      if (name === "on_train_batch_end") {
        const step = `fit/step/${steps++}`;
        await this.tellState(step);
        this.tell(`${step}/log`, logs);
      }
    };
    const notes = Object.entries(OCCASIONS).map(([name, own]) => [own, note(name)]);
    return new this.tf.CustomCallback(Object.fromEntries(notes), "never");
  }

  callbacks(given) {
    return given.map(([name, config]) => {
      if (!(name in CALLBACKS)) {
        throw new Failure("not-implemented", "construction", `TensorFlow.js has no callback ${name}`);
      }
      const own = Object.entries(config).map(([key, value]) => [keyToTensorFlowJS(key), value]);
      return attempt("construction", () => this.tf.callbacks[CALLBACKS[name]](Object.fromEntries(own)));
    });
  }

  async fit() {
    const {callbacks = [], ...given} = argumentsOf("fit", this.config.fit ?? {});
    const {x, y, sample_weight: weights} = this.data;
    const heldOut = this.heldOut && Object.values(this.heldOut).filter((tensors) => tensors !== undefined);
    const history = await this.model.fit(oneOrAll(x), oneOrAll(y), {
      ...given,
      ...(weights && {sampleWeight: oneOrAll(weights)}),
      ...(heldOut && {validationData: heldOut.map(oneOrAll)}),
      shuffle: false,
      callbacks: [...this.callbacks(callbacks), this.watching()],
    });
    this.told["fit/epochs"] = wireJSON(history.epoch);
    this.tell("fit/history", history.history);
    this.tellWeights("fit/weight");
  }

  evaluate() {
    const {x, y, sample_weight: weights} = this.data;
    const given = argumentsOf("evaluate", this.config.evaluate ?? {});
    const outs = this.model.evaluate(oneOrAll(x), oneOrAll(y), {
      ...given,
      ...(weights && {sampleWeight: oneOrAll(weights)}),
    });
    const values = listed(outs).map((out) => out.dataSync()[0]);
    this.tell("evaluate/log", Object.fromEntries(this.model.metricsNames.map((name, i) => [name, values[i]])));
  }

  predict() {
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
