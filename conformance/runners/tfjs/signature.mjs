/** A layer constructor's arguments, seen by watching which keys of its configuration it reads. */
import {attempt} from "./failures.mjs";
import {keyToKeras, keyToTensorFlowJS, valueToKeras} from "./naming.mjs";

/** An object that records the keys asked of it; what the constructor has set itself is no argument of its. */
function recording(target, read) {
  const own = new Set();
  const record = (key) => typeof key === "string" && !own.has(key) && read.add(key);
  return new Proxy(target, {
    get(object, key) {
      record(key);
      return object[key];
    },
    has(object, key) {
      record(key);
      return key in object;
    },
    set(object, key, value) {
      own.add(key);
      object[key] = value;
      return true;
    },
  });
}

/** The default as the configuration of a layer shows it: a generated name is none. */
function defaultOf(key, config) {
  if (!(key in config)) {
    return {read: true};
  }
  return {default: key === "name" ? null : valueToKeras(config[key], keyToKeras(key))};
}

/**
 * `{arguments: {name: {required: true} | {default: value} | {read: true}}}` by Keras names; `read` is an
 * argument whose default the layer's configuration does not tell.
 *
 * `config` holds the required arguments, and nothing else.
 */
export function signature(subject, config) {
  const read = new Set();
  const layer = attempt("construction", () => subject.construct(recording(subject.arguments(config), read)));
  const defaults = attempt("config", () => layer.getConfig());
  const required = Object.keys(config).filter((name) => read.has(keyToTensorFlowJS(name)));
  const optional = [...read].filter((key) => !required.includes(keyToKeras(key)));
  return {
    arguments: Object.fromEntries([
      ...required.map((name) => [name, {required: true}]),
      ...optional.map((key) => [keyToKeras(key), defaultOf(key, defaults)]),
    ]),
  };
}
