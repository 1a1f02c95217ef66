// What can be asked of which subject, and the answers.

import { completed, told } from "./arguments.mjs";
import { LAYERS } from "./layers.mjs";
import { decoded, encoded, sizeOf, tensor, twice } from "./tensors.mjs";

// What a certificate of the profile `inference` asks.
const INFERENCE = ["output/*", "again/*", "shape/*", "dtype", "mask/*", "weights", "config", "refusal*"];

export const SUBJECTS = Object.fromEntries(
  Object.entries(LAYERS).map(([name, { gradients }]) => [
    `layers.${name}`,
    gradients ? [...INFERENCE, "gradient/*"] : INFERENCE,
  ]),
);

const json = (value) => ({ type: "json", value });

// From the beginning of an observable to the answer, of the experiment and the rest of its name.
const ANSWERS = {
  output: (experiment) => experiment.output(),
  again(experiment) {
    // The layers keep nothing, so that it makes no difference what was called before.
    experiment.called(experiment.weights, twice(experiment.input, 0));
    return experiment.output();
  },
  gradient: (experiment) => experiment.gradient(),
  dtype: (experiment) => json([experiment.outputDtype]),
  shape: (experiment, howMuch) => json([experiment.inferred(experiment.asKnown(howMuch))]),
  mask: ({ layer, asked }) => (layer.keepsMask && asked.masks.length > 0 ? asked.masks[0] : json(null)),
  weights: (experiment) => json(experiment.describedWeights()),
  config: ({ config }) => json(told(config)),
  refusal(experiment, second) {
    const { input, untrained } = experiment;
    experiment.called(untrained, input);
    if (second === "widened") experiment.called(untrained, twice(input, input.shape.length - 1));
    return json(null);
  },
};

export function answer(asked, observable) {
  const [beginning, ...rest] = observable.split("/");
  if (!(beginning in ANSWERS)) throw new RangeError(`${observable} was not among the capabilities`);
  return ANSWERS[beginning](new Experiment(asked), rest.join("/"));
}

class Experiment {
  constructor(asked) {
    this.asked = asked;
    this.layer = LAYERS[asked.subject.replace("layers.", "")];
    this.config = completed(this.layer.arguments, asked.config);
    this.dtype = this.config.dtype ?? "float32";
    if (asked.inputs.length !== 1) throw new RangeError(`one input is taken, ${asked.inputs.length} were given`);
    this.input = decoded(asked.inputs[0]);
  }

  get weights() {
    const given = Object.entries(this.asked.weights);
    return Object.fromEntries(given.map(([name, weight]) => [name, decoded(weight)]));
  }

  // Weights that are as yet all 0.
  get untrained() {
    const own = this.weightsFor(this.input.shape);
    const zeros = (shape) => tensor(this.dtype, shape, new Array(sizeOf(shape)).fill(0));
    return Object.fromEntries(own.map(({ name, shape }) => [name, zeros(shape)]));
  }

  // Floating inputs are cast to the layer's dtype, others are left as they are.
  get outputDtype() {
    return this.input.dtype.startsWith("float") ? this.dtype : this.input.dtype;
  }

  weightsFor(shape) {
    return this.layer.weights?.(this.config, shape) ?? [];
  }

  describedWeights() {
    const { trainable } = this.config;
    return this.weightsFor(this.input.shape).map(({ name, shape, trained }) => {
      return { name, shape, dtype: this.dtype, trainable: trained && trainable };
    });
  }

  // The output's shape, of the input's; null is a size that is not known.
  inferred(shape) {
    const [least, most] = [this.layer.rank].flat();
    if (shape.length < least || shape.length > (most ?? least)) {
      throw new RangeError(`an input of rank ${this.layer.rank} is taken, one of shape ${shape} was given`);
    }
    return this.layer.shape(this.config, shape);
  }

  asKnown(howMuch) {
    const { shape } = this.input;
    if (howMuch === "concrete") return shape;
    if (howMuch === "unknown_batch") return [null, ...shape.slice(1)];
    const fixed = this.layer.fixed ?? [];
    return shape.map((size, axis) => (fixed.includes(axis) || fixed.includes(axis - shape.length) ? size : null));
  }

  called(weights, input) {
    this.inferred(input.shape);
    for (const { name, shape } of this.weightsFor(input.shape)) {
      const given = weights[name].shape;
      if (String(given) !== String(shape)) {
        throw new RangeError(`${name} of shape ${given} does not fit an input of shape ${input.shape}`);
      }
    }
    return this.layer.run(this.config, weights, input);
  }

  output() {
    const { shape, values } = this.called(this.weights, this.input);
    return encoded(tensor(this.outputDtype, shape, values));
  }

  gradient() {
    const { gradient } = this.called(this.weights, this.input);
    const [cotangent] = this.asked.cotangents.map(decoded);
    return encoded(tensor(this.outputDtype, this.input.shape, gradient(cotangent)));
  }
}
