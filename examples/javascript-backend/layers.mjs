// The layers. Each has
//   arguments   what it is made with, see arguments.mjs
//   rank        how many dimensions its input has, or [n, Infinity] where these are n or more
//   shape       the output's shape, of the configuration and the input's; null is a size that is not known
//   weights     of the configuration and the input's shape, if it has any: name, shape and whether it is trained
//   fixed       the axes along which the input's size has to be known, if any
//   keepsMask   whether the input's mask goes on to the layers behind
//   run         of (configuration, weights, input): the output's `shape` and `values`, and where gradients can be
//               asked the `gradient` by the input for a cotangent

import { ACTIVATIONS } from "./activations.mjs";
import {
  activation,
  anything,
  boolean,
  constraint,
  count,
  initializer,
  notNegative,
  number,
  oneOrTwo,
  orNull,
  permutation,
  positive,
  regularizer,
} from "./arguments.mjs";
import { sizeOf, stridesOf } from "./tensors.mjs";

const unlessUnknown = (n, f) => (n === null ? null : f(n));
const pair = (size) => (Array.isArray(size) ? size : [size, size]);

// A layer whose output holds elements of the input, each at another place or at several: `from` gives for a place
// in the output that in the input.
function moving({ from, ...layer }) {
  function run(config, weights, input) {
    const shape = layer.shape(config, input.shape);
    const [outer, inner] = [stridesOf(shape), stridesOf(input.shape)];
    const origin = from(config);
    const sources = Array.from({ length: sizeOf(shape) }, (_, index) => {
      const place = shape.map((size, axis) => Math.floor(index / outer[axis]) % size);
      return origin(place).reduce((sum, at, axis) => sum + at * inner[axis], 0);
    });
    const gradient = (cotangent) => {
      const sums = new Float64Array(sizeOf(input.shape));
      sources.forEach((source, index) => (sums[source] += cotangent.values[index]));
      return sums;
    };
    return { shape, values: sources.map((source) => input.values[source]), gradient };
  }
  return { ...layer, keepsMask: false, gradients: true, run };
}

// A layer that makes each element of the output of the one at its place: `at` gives a number and its derivative.
function elementwise({ at, ...layer }) {
  function run(config, weights, input) {
    const pairs = Array.from(input.values, at(config));
    const gradient = (cotangent) => pairs.map(([, slope], index) => slope * cotangent.values[index]);
    return { shape: input.shape, values: pairs.map(([y]) => y), gradient };
  }
  const shape = (config, input) => input;
  return { ...layer, rank: [1, Infinity], shape, keepsMask: true, gradients: true, run };
}

export const LAYERS = {
  Cropping1D: moving({
    arguments: { cropping: [oneOrTwo(count), 1] },
    rank: 3,
    shape({ cropping }, [batch, steps, channels]) {
      const [before, after] = pair(cropping);
      const left = unlessUnknown(steps, (n) => n - before - after);
      if (left !== null && left <= 0) throw new RangeError(`cropping ${before} + ${after} of ${steps} steps`);
      return [batch, left, channels];
    },
    from:
      ({ cropping }) =>
      ([n, t, c]) => [n, t + pair(cropping)[0], c],
  }),

  Permute: moving({
    arguments: { dims: [permutation] },
    rank: [1, Infinity],
    shape({ dims }, input) {
      if (input.length !== dims.length + 1) throw new RangeError(`dims ${dims} of an input of shape ${input}`);
      return [0, ...dims].map((axis) => input[axis]);
    },
    from:
      ({ dims }) =>
      (place) =>
        [0, ...dims].reduce((there, axis, i) => ((there[axis] = place[i]), there), []),
  }),

  RepeatVector: moving({
    arguments: { n: [positive] },
    rank: 2,
    shape: ({ n }, [batch, features]) => [batch, n, features],
    from:
      () =>
      ([sample, , feature]) => [sample, feature],
  }),

  UpSampling1D: moving({
    arguments: { size: [positive, 2] },
    rank: 3,
    shape: ({ size }, [batch, steps, channels]) => [batch, unlessUnknown(steps, (n) => n * size), channels],
    from:
      ({ size }) =>
      ([n, t, c]) => [n, Math.floor(t / size), c],
  }),

  ReLU: elementwise({
    arguments: {
      max_value: [orNull(notNegative), null],
      negative_slope: [notNegative, 0],
      threshold: [notNegative, 0],
    },
    at({ negative_slope, max_value, threshold }) {
      // The derivatives at the corners, as Keras has them.
      const atThreshold = max_value === null && threshold === 0 ? negative_slope : 0;
      const atMaximum = max_value === 6 && threshold === 0 ? 0 : 1;
      return (x) => {
        if (Number.isNaN(x)) return [threshold !== 0 && negative_slope === 0 ? 0 : x, negative_slope];
        if (x > threshold) {
          if (max_value === null || x < max_value) return [x, 1];
          return [max_value, x === max_value ? atMaximum : 0];
        }
        if (negative_slope === 0) return [0, 0];
        return [negative_slope * (x - threshold), x === threshold ? atThreshold : negative_slope];
      };
    },
  }),

  // activation(x·kernel + bias) along the last axis.
  Dense: {
    arguments: {
      units: [positive],
      activation: [activation, null],
      use_bias: [boolean, true],
      kernel_initializer: [initializer, "glorot_uniform"],
      bias_initializer: [initializer, "zeros"],
      kernel_regularizer: [orNull(regularizer), null],
      bias_regularizer: [orNull(regularizer), null],
      kernel_constraint: [orNull(constraint), null],
      bias_constraint: [orNull(constraint), null],
      lora_rank: [orNull(count), null],
      lora_alpha: [orNull(number), null],
      quantization_config: [anything, null],
    },
    rank: [2, Infinity],
    keepsMask: true,
    fixed: [-1],
    shape: ({ units }, input) => [...input.slice(0, -1), units],

    weights({ units, use_bias, lora_rank, kernel_constraint }, input) {
      const features = input.at(-1);
      const weights = [{ name: "kernel", shape: [features, units], trained: !lora_rank }];
      if (use_bias) weights.push({ name: "bias", shape: [units], trained: true });
      if (lora_rank) {
        if (kernel_constraint !== null) throw new RangeError("a kernel with a constraint cannot be adapted");
        weights.push({ name: "lora_kernel_a", shape: [features, lora_rank], trained: true });
        weights.push({ name: "lora_kernel_b", shape: [lora_rank, units], trained: true });
      }
      return weights;
    },

    run(config, weights, { shape, values }) {
      const { units, use_bias, lora_rank } = config;
      const features = shape.at(-1);
      const kernel = Float64Array.from(weights.kernel.values);
      if (lora_rank) {
        const [a, b] = [weights.lora_kernel_a.values, weights.lora_kernel_b.values];
        const scale = (config.lora_alpha ?? lora_rank) / lora_rank;
        kernel.forEach((_, index) => {
          const [i, j] = [Math.floor(index / units), index % units];
          for (let r = 0; r < lora_rank; r++) kernel[index] += scale * a[i * lora_rank + r] * b[r * units + j];
        });
      }
      const activate = ACTIVATIONS[config.activation ?? "linear"];
      const output = [];
      for (let row = 0; row < sizeOf(shape.slice(0, -1)); row++) {
        const sums = Array.from({ length: units }, (_, j) => {
          let sum = use_bias ? weights.bias.values[j] : 0;
          for (let i = 0; i < features; i++) sum += values[row * features + i] * kernel[i * units + j];
          return sum;
        });
        output.push(...activate(sums));
      }
      return { shape: [...shape.slice(0, -1), units], values: output };
    },
  },
};
