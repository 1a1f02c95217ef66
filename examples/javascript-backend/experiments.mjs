// What can be asked of which subject, and the answers.

import { dense, ELEMENTWISE, MOVING, sourcesOf } from "./layers.mjs";
import { decoded, encoded, sizeOf, tensor } from "./tensors.mjs";

const FORWARD = ["output/*", "dtype", "shape/concrete"];
const BOTH_WAYS = [...FORWARD, "gradient/*"];

// By subject: the observables, and a function from (configuration, weights, input) to the output's `shape` and
// `values` and, where gradients can be asked, to the `gradient` by the input for a cotangent.
const EXPERIMENTS = {
  "layers.Dense": { observables: FORWARD, run: dense },
};
for (const [name, layer] of Object.entries(MOVING)) {
  const run = (config, weights, input) => moved(layer(config, input.shape), input);
  EXPERIMENTS[`layers.${name}`] = { observables: BOTH_WAYS, run };
}
for (const [name, layer] of Object.entries(ELEMENTWISE)) {
  const run = (config, weights, input) => mapped(layer(config), input);
  EXPERIMENTS[`layers.${name}`] = { observables: BOTH_WAYS, run };
}

export const SUBJECTS = Object.fromEntries(
  Object.entries(EXPERIMENTS).map(([subject, { observables }]) => [subject, observables]),
);

function moved(movement, input) {
  const sources = sourcesOf(movement, input.shape);
  const gradient = (cotangent) => {
    const sums = new Float64Array(sizeOf(input.shape));
    sources.forEach((source, index) => (sums[source] += cotangent.values[index]));
    return sums;
  };
  return { shape: movement.shape, values: sources.map((source) => input.values[source]), gradient };
}

function mapped(f, input) {
  const pairs = Array.from(input.values, f);
  const gradient = (cotangent) => pairs.map(([, slope], index) => slope * cotangent.values[index]);
  return { shape: input.shape, values: pairs.map(([y]) => y), gradient };
}

// The dtype of the output: floating inputs are cast to the layer's, others are left as they are.
function dtypeOf({ config }, input) {
  return input.dtype.startsWith("float") ? (config.dtype ?? "float32") : input.dtype;
}

export function answer(asked, observable) {
  const input = decoded(asked.inputs[0]);
  const weights = Object.fromEntries(Object.entries(asked.weights).map(([name, w]) => [name, decoded(w)]));
  const output = EXPERIMENTS[asked.subject].run(asked.config, weights, input);
  const dtype = dtypeOf(asked, input);
  switch (observable) {
    case "output/0":
      return encoded(tensor(dtype, output.shape, output.values));
    case "gradient/input/0":
      return encoded(tensor(dtype, input.shape, output.gradient(decoded(asked.cotangents[0]))));
    case "dtype":
      return { type: "json", value: [dtype] };
    case "shape/concrete":
      return { type: "json", value: [output.shape] };
    default:
      throw new RangeError(`${observable} was not among the capabilities`);
  }
}
