/** A TensorFlow.js layer that is built for a case's inputs: its weights by Keras's local names, and its calls. */
import {Failure} from "./failures.mjs";
import {weightToKeras} from "./naming.mjs";
import {wireTensor} from "./protocol.mjs";

const oneOrAll = (items) => (items.length === 1 ? items[0] : items);

/**
 * Names of a layer's variables without the scopes around them (`dense_Dense1/kernel` is `kernel`); where two
 * would be the same, as in a wrapper of two layers, all keep the first scope in which they differ.
 */
function localNames(variables) {
  const paths = variables.map(({originalName}) => originalName.split("/"));
  const last = paths.map((path) => path.at(-1));
  if (new Set(last).size === last.length) {
    return last;
  }
  const level = paths[0].findIndex((scope, i) => paths.some((path) => path[i] !== scope));
  return paths.map((path) => `${path[level]}/${path.at(-1)}`);
}

/** The scope that each cell of a stack has its variables in, `RNNCell_0`, → the cell's name, as Keras has it. */
function scopesToKeras(layer) {
  const {cells = []} = layer.cell ?? layer;
  return new Map(cells.map(({name}, i) => [`RNNCell_${i}`, name]));
}

/** The names of the layer's weights as Keras has them, in the layer's order. */
export function namesInKeras(layer) {
  // The weights of a wrapper are those of the layer in it.
  const holder = (layer.layer ?? layer).getClassName();
  const scopes = scopesToKeras(layer);
  return localNames(layer.weights).map((name) => {
    const path = weightToKeras(holder, name).split("/");
    return path.map((part) => scopes.get(part) ?? part).join("/");
  });
}

/** What a call takes as inputs, and the states that it takes by name: a cell has them beside its input. */
function withStates(layer, inputs, initialState) {
  return isCell(layer) ? [oneOrAll([...inputs, ...initialState]), []] : [oneOrAll(inputs), initialState];
}

/** Whether the layer is a cell, which takes its states beside its input. */
export const isCell = (layer) => "stateSize" in layer;

/** The list of outputs of a call; a first one builds the layer. */
export function apply(layer, inputs, {masks, initialState, training = false}) {
  const [taken, apart] = withStates(layer, inputs, initialState);
  const outputs = layer.apply(taken, {
    training,
    ...(masks.length > 0 && {mask: oneOrAll(masks)}),
    ...(apart.length > 0 && {initialState: apart}),
  });
  return Array.isArray(outputs) ? outputs : [outputs];
}

export class BuiltLayer {
  /**
   * Build as `apply` does on its first call, but without calling. Weights start as zeros, as they do where
   * TensorFlow.js loads a model: the case's values replace them, and orthogonal ones take milliseconds.
   */
  constructor(tf, layer, inputs) {
    this.tf = tf;
    this.layer = layer;
    this.inputs = inputs;
    if (!layer.built) {
      layer.setFastWeightInitDuringBuild(true);
      layer.assertInputCompatibility(oneOrAll(inputs));
      layer.build(oneOrAll(inputs.map(({shape}) => shape)));
      layer.built = true;
    }
    this.ownNames = localNames(layer.weights);
    this.names = namesInKeras(layer);
    this.nameOf = new Map(layer.weights.map((variable, i) => [variable, this.names[i]]));
  }

  describeWeights() {
    const trainable = new Set(this.layer.trainableWeights);
    return this.layer.weights.map((weight, i) => ({
      name: this.ownNames[i],
      shape: weight.shape,
      dtype: weight.dtype,
      trainable: trainable.has(weight),
    }));
  }

  /** Give the weights these values; the names must be exactly the layer's, as Keras has them. */
  assign(values) {
    const missing = this.names.filter((name) => !(name in values));
    if (missing.length > 0 || Object.keys(values).length !== this.names.length) {
      const given = Object.keys(values).join(", ") || "none";
      const wanted = this.names.join(", ") || "none";
      throw new Failure("invalid-argument", "build", `the layer's weights are: ${wanted}; given: ${given}`);
    }
    this.layer.setWeights(this.names.map((name) => values[name]));
    return this;
  }

  /**
   * The list of outputs. A stateful layer starts anew, so that no call of a case depends on another, unless
   * the call `follows` one.
   */
  call({inputs = this.inputs, follows = false, ...circumstances}) {
    if (this.layer.stateful && !follows) {
      this.layer.resetStates();
    }
    return apply(this.layer, inputs, circumstances);
  }

  /** The masks of the outputs; a model asks for none where the layer does not support masking. */
  outputMasks({masks}) {
    if (!this.layer.supportsMasking) {
      return [];
    }
    const found = this.layer.computeMask(oneOrAll(this.inputs), masks.length > 0 ? oneOrAll(masks) : null);
    return Array.isArray(found) ? found : [found];
  }

  /** Training-mode outputs and the non-trainable weights after it; then the weights are `values` again. */
  callInTraining(arguments_, values) {
    try {
      const outputs = this.call({...arguments_, training: true});
      const state = Object.fromEntries(
        this.layer.nonTrainableWeights.map((weight) => [this.nameOf.get(weight), wireTensor(weight.read())]),
      );
      return {outputs, state};
    } finally {
      this.assign(values);
    }
  }

  /** The tensor that `input/0` or `weight/kernel` names, to differentiate by. */
  source(name) {
    const [kind, rest] = [name.slice(0, name.indexOf("/")), name.slice(name.indexOf("/") + 1)];
    const refuse = (message) => {
      throw new Failure("invalid-argument", "gradient", message);
    };
    if (kind === "input") {
      const input = this.inputs[rest] ?? refuse(`no input ${rest}: the case has ${this.inputs.length}`);
      return input.dtype === "float32" ? input : refuse(`input ${rest} is ${input.dtype}, not float32`);
    }
    const variable = this.layer.weights[this.names.indexOf(rest)];
    if (variable === undefined || !this.layer.trainableWeights.includes(variable)) {
      const known = this.layer.trainableWeights.map((weight) => this.nameOf.get(weight));
      refuse(`no trainable weight ${rest}; there are: ${known.join(", ") || "none"}`);
    }
    return variable.read();
  }
}
