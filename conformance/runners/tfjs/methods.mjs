/** What a layer's users can call and look up, by introspection of the live object, and what the basic methods do. */
import {keyToKeras} from "./naming.mjs";

/** An object and what it inherits, but for what every object or function has. */
function* inherited(object) {
  const ends = [Object.prototype, Function.prototype, null];
  for (let holder = object; !ends.includes(holder); holder = Object.getPrototypeOf(holder)) {
    yield holder;
  }
}

/**
 * `{name: "method" | "property"}` by Keras names, of the object, its classes, and what those have themselves, as
 * `fromConfig`. Nothing is looked up: a property of a layer that has not been called may throw.
 */
export function members(layer) {
  const found = {};
  for (const holder of [...inherited(layer), ...inherited(layer.constructor)]) {
    for (const [name, {value}] of Object.entries(Object.getOwnPropertyDescriptors(holder))) {
      if (!name.startsWith("_") && name !== "constructor") {
        found[keyToKeras(name)] ??= typeof value === "function" ? "method" : "property";
      }
    }
  }
  return found;
}

function sameElements(x, y) {
  const same = (a, b) => a.length === b.length && a.every((element, i) => Object.is(element, b[i]));
  return same(x.shape, y.shape) && same(x.dataSync(), y.dataSync());
}

function orderOfWeights(tf, {layer}, weights) {
  const given = Object.entries(weights());
  return layer.getWeights().map((weight) => given.find(([, x]) => sameElements(x, weight))?.[0] ?? null);
}

function acceptedWeights(tf, {layer}) {
  const own = layer.getWeights().map((weight) => weight.clone());
  const lists = {own, one_more: [...own, tf.zeros([1])]};
  if (own.length > 0) {
    lists.one_missing = own.slice(0, -1);
    lists.other_shape = [...own.slice(0, -1), tf.zeros([2, ...own.at(-1).shape])];
  }
  const taken = (list) => {
    try {
      layer.setWeights(list);
      return true;
    } catch {
      return false; // which error it is, is for those to judge who ask for errors
    }
  };
  return Object.fromEntries(Object.entries(lists).map(([what, list]) => [what, taken(list)]));
}

function frozenAndThawed(tf, {layer, nameOf}) {
  const told = (trainable) => {
    layer.trainable = trainable;
    const names = (variables) => variables.map((variable) => nameOf.get(variable));
    return {
      trainable_weights: names(layer.trainableWeights),
      non_trainable_weights: names(layer.nonTrainableWeights),
    };
  };
  return {frozen: told(false), thawed: told(true)};
}

function carriedAndReset(tf, {layer, inputs}) {
  const output = () => [layer.apply(inputs[0])].flat()[0];
  const [first, second] = [output(), output()];
  layer.resetStates();
  return {carried: !sameElements(first, second), reset: sameElements(first, output())};
}

/** By the name that Keras has for a method, how it is tried: (tf, a `BuiltLayer`, the case's weights). */
export const METHODS = {
  count_params: (tf, {layer}) => layer.countParams(),
  get_weights: orderOfWeights,
  set_weights: acceptedWeights,
  trainable: frozenAndThawed,
  reset_state: carriedAndReset,
};
