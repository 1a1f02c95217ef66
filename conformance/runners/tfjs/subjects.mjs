/** The subjects that TensorFlow.js offers, found in its serialization registry, and how each one is made. */
import {Failure, attempt} from "./failures.mjs";
import {lossSubjects} from "./losses.mjs";
import {metricSubjects} from "./metrics.mjs";
import {
  FUNCTIONS,
  OPTIMIZERS,
  configToTensorFlowJS,
  identifierToKeras,
  identifierToTensorFlowJS,
} from "./naming.mjs";
import {OptimizerSubject} from "./optimizers.mjs";
import {valueSubjects} from "./values.mjs";

const LAYER_OBSERVABLES = [
  "output/*",
  "again/*",
  "training/*",
  "gradient/*",
  "random",
  "seeds",
  "shape/*",
  "dtype",
  "mask/*",
  "weights",
  "memory",
  "refusal*",
  "config",
  "reconstructed/*",
  "methods",
  "method/*",
  "signature",
];
const ACTIVATION_OBSERVABLES = ["output/*", "again/*", "gradient/input/*", "dtype", "refusal", "identifier"];

class LayerSubject {
  observables = LAYER_OBSERVABLES;

  constructor(registry, [constructor, fromConfig]) {
    this.registry = registry;
    this.constructor_ = constructor;
    this.fromConfig = fromConfig;
  }

  /** The constructor's argument for a Keras configuration. */
  arguments(config) {
    return configToTensorFlowJS(config, ({className, config: nested}) => {
      const [constructor] = this.registry.layers.get(className) ?? [];
      return constructor && new constructor(nested);
    }, this.constructor_.className);
  }

  construct(argument) {
    return new this.constructor_(argument);
  }

  create(config) {
    return this.construct(this.arguments(config));
  }

  /** The layer that `layer.getConfig()` makes, as TensorFlow.js's own deserialization does it. */
  recreate(layer) {
    return this.fromConfig(this.constructor_, layer.getConfig());
  }
}

class ActivationSubject {
  observables = ACTIVATION_OBSERVABLES;

  constructor(registry, name) {
    this.registry = registry;
    this.name = name;
  }

  /** The layer `tf.layers.activation` of this function; an identifier has no place for arguments. */
  create(config) {
    const names = Object.keys(config);
    if (names.length > 0) {
      throw new Failure(
        "not-implemented",
        "construction",
        `activation identifiers of TensorFlow.js take no arguments, given ${names.join(", ")}`,
      );
    }
    return this.registry.activation(this.name);
  }

  /** The canonical name, in snake case, of the activation that an identifier resolves to. */
  resolve({identifier}) {
    const name = identifierToTensorFlowJS(identifier);
    const layer = attempt("construction", () => this.registry.activation(name));
    return identifierToKeras(layer.getConfig().activation);
  }
}

/** The subjects of the live runtime: name → subject. */
export function registeredSubjects(tf) {
  const classes = Object.entries(tf.serialization.SerializationMap.getMap().classNameMap);
  const {Layer, activation: layerOfActivation} = tf.layers;
  const activation = (name) => layerOfActivation({activation: name});
  const Activation = Object.getPrototypeOf(activation("linear").activation.constructor);
  const inherits = (constructor, base) => constructor.prototype instanceof base;
  const isModel = (constructor) => constructor === tf.LayersModel || inherits(constructor, tf.LayersModel);

  const layers = new Map(
    classes.filter(([, [constructor]]) => inherits(constructor, Layer) && !isModel(constructor)),
  );
  const registry = {layers, activation};
  const subjects = new Map();
  for (const [name, registered] of layers) {
    subjects.set(`layers.${name}`, new LayerSubject(registry, registered));
  }
  for (const [name, [constructor]] of classes) {
    if (inherits(constructor, Activation)) {
      subjects.set(`activations.${identifierToKeras(name)}`, new ActivationSubject(registry, name));
    }
  }
  for (const [name, own] of Object.entries(FUNCTIONS)) {
    subjects.set(`activations.${name}`, subjects.get(`activations.${own}`));
  }
  for (const name of Object.keys(OPTIMIZERS).filter((name) => name !== "Momentum")) {
    subjects.set(`optimizers.${name}`, new OptimizerSubject(tf, name));
  }
  return new Map([...subjects, ...lossSubjects(tf), ...metricSubjects(tf), ...valueSubjects(tf)]);
}
