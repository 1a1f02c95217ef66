/** A layer constructor's arguments, seen by watching which keys of its configuration it reads. */
import {attempt} from "./failures.mjs";
import {keyToKeras, valueToKeras} from "./naming.mjs";

/**
 * What `construct` makes of an argument whose keys, as they are asked of it, are added to `read`; what the
 * constructor has set itself is no argument of its. A copy by `Object.assign`, which is what
 * `{...args, cell}` is compiled to, is watched as the argument is.
 */
function watching(argument, read, construct) {
  const watched = new WeakSet();
  const watch = (target) => {
    const own = new Set();
    const record = (key) => typeof key === "string" && !own.has(key) && read.add(key);
    const proxy = new Proxy(target, {
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
    watched.add(proxy);
    return proxy;
  };
  const {assign} = Object;
  Object.assign = (target, ...sources) => {
    const copy = assign(target, ...sources);
    return !watched.has(copy) && sources.some((source) => watched.has(source)) ? watch(copy) : copy;
  };
  try {
    return construct(watch(argument));
  } finally {
    Object.assign = assign;
  }
}

/** The default as the configuration of a layer shows it: a generated name is none. */
function defaultOf(own, key, config) {
  if (!(own in config)) {
    return {read: true};
  }
  return {default: own === "name" ? null : valueToKeras(config[own], key)};
}

/**
 * `{arguments: {name: {required: true} | {default: value} | {read: true}}}` by Keras names; `read` is an
 * argument whose default the layer's configuration does not tell.
 *
 * `config` holds the required arguments, and nothing else.
 */
export function signature(subject, config) {
  const read = new Set();
  const given = subject.arguments(config);
  const layer = attempt("construction", () =>
    watching(given, read, (argument) => subject.construct(argument)),
  );
  const defaults = attempt("config", () => layer.getConfig());
  const toKeras = (own) => keyToKeras(own, layer.getClassName());
  const required = Object.keys(config).filter((name) => [...read].some((own) => toKeras(own) === name));
  const optional = [...read].filter((own) => !required.includes(toKeras(own)));
  return {
    arguments: Object.fromEntries([
      ...required.map((name) => [name, {required: true}]),
      ...optional.map((own) => [toKeras(own), defaultOf(own, toKeras(own), defaults)]),
    ]),
  };
}
