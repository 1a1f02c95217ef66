// Keras's arguments: what values they may have, and what a configuration says in full.

import { ACTIVATIONS } from "./activations.mjs";

const kind = (words, holds) => ({ words, holds });
const named = (what, names) => {
  const spelt = new RegExp(`^(${names.map((name) => name.replaceAll("_", "_?")).join("|")})$`, "i");
  const holds = (x) => spelt.test(typeof x === "object" ? x?.class_name : x);
  return kind(`${what}, by its name or as {class_name, config}`, holds);
};

export const positive = kind("a positive integer", (x) => Number.isInteger(x) && x > 0);
export const count = kind("an integer of 0 or more", (x) => Number.isInteger(x) && x >= 0);
export const number = kind("a number", (x) => typeof x === "number");
export const notNegative = kind("a number of 0 or more", (x) => typeof x === "number" && x >= 0);
export const boolean = kind("true or false", (x) => typeof x === "boolean");
export const text = kind("a string", (x) => typeof x === "string");
export const anything = kind("anything", () => true);
export const permutation = kind("the numbers from 1 on in any order", (x) => {
  return Array.isArray(x) && [...x].sort((a, b) => a - b).every((n, i) => n === i + 1);
});
export const activation = kind("the name of an activation function", (x) => x === null || Object.hasOwn(ACTIVATIONS, x));
export const initializer = named("an initializer", [
  "zeros", "ones", "constant", "random_normal", "normal", "truncated_normal", "random_uniform", "uniform",
  "orthogonal", "identity", "variance_scaling", "glorot_uniform", "glorot_normal", "he_uniform", "he_normal",
  "lecun_uniform", "lecun_normal",
]);
export const regularizer = named("a regularizer", ["l1", "l2", "l1_l2", "orthogonal_regularizer"]);
export const constraint = named("a constraint", ["max_norm", "min_max_norm", "non_neg", "unit_norm"]);

export const orNull = ({ words, holds }) => kind(`${words}, or null`, (x) => x === null || holds(x));
export const oneOf = (...values) => kind(`one of ${values.join(", ")}`, (x) => values.includes(x));
export const oneOrTwo = ({ words, holds }) =>
  kind(`${words}, or two of them`, (x) => holds(x) || (Array.isArray(x) && x.length === 2 && x.every(holds)));

// By name: what is allowed, and the default; one without a default has to be given.
const OF_EVERY_LAYER = {
  name: [orNull(text), null],
  trainable: [boolean, true],
  dtype: [oneOf("float32", "float64", null), null],
  autocast: [boolean, true],
  activity_regularizer: [orNull(regularizer), null],
  input_shape: [anything, null],
  input_dim: [orNull(positive), null],
};

// Of these a configuration says nothing.
const UNSAID = ["autocast", "input_shape", "input_dim"];

// The configuration with every default.
export function completed(own, config) {
  const known = { ...OF_EVERY_LAYER, ...own };
  for (const name of Object.keys(config)) {
    if (!Object.hasOwn(known, name)) throw new RangeError(`there is no argument ${name}`);
  }
  const values = Object.entries(known).map(([name, [{ words, holds }, fallback]]) => {
    const value = Object.hasOwn(config, name) ? config[name] : fallback;
    if (value === undefined) throw new RangeError(`the argument ${name} is needed: ${words}`);
    if (!holds(value)) throw new RangeError(`${name}: ${JSON.stringify(value)} is given, and has to be ${words}`);
    return [name, value];
  });
  return Object.fromEntries(values);
}

// What a layer says of itself.
export function told(config) {
  return Object.fromEntries(Object.entries(config).filter(([name]) => !UNSAID.includes(name)));
}
