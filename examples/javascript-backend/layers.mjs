// The layers: each makes of its configuration and input what it computes.

import { activation } from "./activations.mjs";
import { sizeOf, stridesOf } from "./tensors.mjs";

// Layers whose output holds elements of the input, each at another place or at several:
// the shape of the output, and for each place in it that in the input which it is taken from.
export const MOVING = {
  Cropping1D({ cropping = 1 }, [batch, steps, channels]) {
    const [before, after] = Array.isArray(cropping) ? cropping : [cropping, cropping];
    if (before + after >= steps) throw new RangeError(`cropping ${before} + ${after} of ${steps} steps`);
    return { shape: [batch, steps - before - after, channels], from: ([n, t, c]) => [n, t + before, c] };
  },

  Permute({ dims }, shape) {
    const axes = [0, ...dims];
    const from = (place) => axes.reduce((there, axis, i) => ((there[axis] = place[i]), there), []);
    return { shape: axes.map((axis) => shape[axis]), from };
  },

  RepeatVector({ n }, [batch, features]) {
    return { shape: [batch, n, features], from: ([sample, , feature]) => [sample, feature] };
  },

  UpSampling1D({ size = 2 }, [batch, steps, channels]) {
    return { shape: [batch, steps * size, channels], from: ([n, t, c]) => [n, Math.floor(t / size), c] };
  },
};

// The index of the input's element for each index of the output.
export function sourcesOf({ shape, from }, input) {
  const [outer, inner] = [stridesOf(shape), stridesOf(input)];
  return Array.from({ length: sizeOf(shape) }, (_, index) => {
    const place = shape.map((size, axis) => Math.floor(index / outer[axis]) % size);
    return from(place).reduce((sum, at, axis) => sum + at * inner[axis], 0);
  });
}

// Layers that make each element of the output of the one at its place: a number and its derivative.
export const ELEMENTWISE = {
  ReLU: ({ negative_slope = 0, max_value = null, threshold = 0 }) => {
    // The derivatives at the corners, as Keras has them.
    const atThreshold = max_value === null && threshold === 0 ? negative_slope : 0;
    const atMaximum = max_value === 6 && threshold === 0 ? 0 : 1;
    return (x) => {
      if (Number.isNaN(x)) return [x, negative_slope];
      if (x > threshold) {
        if (max_value === null || x < max_value) return [x, 1];
        return [max_value, x === max_value ? atMaximum : 0];
      }
      if (negative_slope === 0) return [0, 0];
      return [negative_slope * (x - threshold), x === threshold ? atThreshold : negative_slope];
    };
  },
};

// x·kernel + bias along the last axis, and the activation function of that.
export function dense(config, weights, { shape, values }) {
  const { units, use_bias = true, lora_rank = null, lora_alpha = null } = config;
  const features = shape.at(-1);
  const kernel = Float64Array.from(weights.kernel.values);
  if (lora_rank !== null) {
    const [a, b] = [weights.lora_kernel_a.values, weights.lora_kernel_b.values];
    const scale = (lora_alpha ?? lora_rank) / lora_rank;
    kernel.forEach((_, index) => {
      const [i, j] = [Math.floor(index / units), index % units];
      for (let r = 0; r < lora_rank; r++) kernel[index] += scale * a[i * lora_rank + r] * b[r * units + j];
    });
  }
  const activate = activation(config.activation);
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
}
