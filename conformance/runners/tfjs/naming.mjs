/**
 * The naming differences between Keras and TensorFlow.js, declared once. Keras writes `snake_case` where
 * TensorFlow.js writes `camelCase`, in keys and in the values of options and identifiers; the tables of
 * naming.json, which `conformance/reproduction` reads too, hold the rest:
 *
 * - `keys`, `identifiers`: those that are not each other's camel and snake case; `keysOf`: those of a class.
 * - `classes`: those of another name.
 * - `madeFrom`: classes that TensorFlow.js has as functions that make another, `tf.regularizers.l1` and `l2`.
 * - `verbatim`: keys whose string values are the user's or a dtype, never an option.
 * - `logs`: ends of names in the logs of training, which Keras takes from the metric that was asked for.
 * - `functions`: activation functions by their canonical names in Keras, where TensorFlow.js knows only
 *   another one.
 * - `losses`: by class of Keras, the function.
 * - `metrics`: by class of Keras, the function of `tf.metrics`, and the name by which `compile` has it, if any.
 * - `weights`: by class, weights of another name.
 * - `optimizers`: by Keras's class, the function of `tf.train` that makes one, its arguments in order and the
 *   slots in the order of `getWeights`, by Keras's names; `Momentum` is an SGD that has some.
 * - `factories`: functions of `tf.layers` that are not their class's name with a small first letter.
 */
import {readFileSync} from "node:fs";
import {Failure} from "./failures.mjs";

const TABLES = JSON.parse(readFileSync(new URL("naming.json", import.meta.url), "utf8"));
const {keys: KEYS, identifiers: IDENTIFIERS, classes: CLASSES} = TABLES;
export const MADE_FROM = TABLES.madeFrom;
export const FUNCTIONS = TABLES.functions;
export const LOSSES = TABLES.losses;
export const METRICS = TABLES.metrics;
export const OPTIMIZERS = TABLES.optimizers;
const VERBATIM = new Set(TABLES.verbatim);

const inverted = (table) => Object.fromEntries(Object.entries(table).map(([key, value]) => [value, key]));
const KEYS_BACK = inverted(KEYS);
const KEYS_OF = TABLES.keysOf;
const KEYS_OF_BACK = Object.fromEntries(Object.entries(KEYS_OF).map(([name, keys]) => [name, inverted(keys)]));
const IDENTIFIERS_BACK = inverted(IDENTIFIERS);
const CLASSES_BACK = inverted(CLASSES);

/** The name that TensorFlow.js has for a class. */
export const classToTensorFlowJS = (className) => CLASSES[className] ?? className;

/** The name that Keras has for a class. */
export const classToKeras = (className) => CLASSES_BACK[className] ?? className;

/** The name that Keras has for a weight of a class. */
export const weightToKeras = (className, name) => inverted(TABLES.weights[className] ?? {})[name] ?? name;

/** A name in the logs of training in the spelling of Keras: what is behind the last underscore is the metric. */
export const logSpelled = (name) => name.replace(/[A-Za-z0-9]+$/, snake);

/** The name that Keras has in its place. */
export const logToKeras = (name) =>
  logSpelled(name).replace(/(?<=^|_)[a-z]+$/, (end) => TABLES.logs[end] ?? end);

const camel = (snake) => snake.replace(/(?<=[a-z0-9])_+([a-z0-9])/g, (_, letter) => letter.toUpperCase());
const snake = (name) => name.replace(/(?<=[a-z0-9])([A-Z])/g, "_$1").toLowerCase();

export const keyToTensorFlowJS = (key, className) => KEYS_OF[className]?.[key] ?? KEYS[key] ?? camel(key);
export const keyToKeras = (key, className) => KEYS_OF_BACK[className]?.[key] ?? KEYS_BACK[key] ?? snake(key);
export const identifierToTensorFlowJS = (name) =>
  IDENTIFIERS[name] ?? (/^[a-z0-9_]+$/.test(name) ? camel(name) : name);
export const identifierToKeras = (name) =>
  IDENTIFIERS_BACK[name] ?? (/^[a-z][A-Za-z0-9]*$/.test(name) ? snake(name) : name);

function valueToTensorFlowJS(value, key, instantiate) {
  if (typeof value === "string") {
    return VERBATIM.has(key) ? value : identifierToTensorFlowJS(value);
  }
  if (Array.isArray(value)) {
    return value.map((item) => valueToTensorFlowJS(item, key, instantiate));
  }
  if (value === null || typeof value !== "object") {
    return value;
  }
  const config = configToTensorFlowJS(value.config ?? value, instantiate, value.class_name);
  if (!("class_name" in value)) {
    return config;
  }
  const {class_name} = value;
  const made = MADE_FROM[class_name];
  const object = made
    ? {className: made.className, config: {...made.config, ...config}}
    : {className: classToTensorFlowJS(class_name), config};
  return instantiate(object) ?? object;
}

/**
 * A Keras configuration as a user of TensorFlow.js would write it: a new object that the constructor may
 * change. `instantiate` makes the instance of a `{className, config}` where TensorFlow.js wants one (a layer
 * inside a wrapper), and gives undefined where it takes the two as they are.
 */
export function configToTensorFlowJS(config, instantiate, className) {
  return Object.fromEntries(
    Object.entries(config).map(([key, value]) => [
      keyToTensorFlowJS(key, className),
      valueToTensorFlowJS(value, key, instantiate),
    ]),
  );
}

/** A value of a TensorFlow.js configuration by Keras names: NaN and infinities are strings, undefined null. */
export function valueToKeras(value, key) {
  if (value === undefined || value === null) {
    return null;
  }
  if (typeof value === "string") {
    return VERBATIM.has(key) ? value : identifierToKeras(value);
  }
  if (typeof value === "number" && !Number.isFinite(value)) {
    return Number.isNaN(value) ? "nan" : value > 0 ? "inf" : "-inf";
  }
  if (Array.isArray(value)) {
    return value.map((item) => valueToKeras(item, key));
  }
  if (typeof value === "function") {
    throw new Failure("not-implemented", "config", `${key} is a function, which JSON cannot hold`);
  }
  if (typeof value !== "object") {
    return value;
  }
  if ("className" in value) {
    const {className, config} = value;
    return {class_name: classToKeras(className), config: configToKeras(config, className)};
  }
  return configToKeras(value);
}

/** A configuration that TensorFlow.js gave, by Keras names and values. */
export function configToKeras(config, className) {
  return Object.fromEntries(
    Object.entries(config).map(([own, value]) => {
      const key = keyToKeras(own, className);
      return [key, valueToKeras(value, key)];
    }),
  );
}
