/** Constraints, regularizers and initializers of TensorFlow.js: classes in its registry that `apply` is called of. */
import {attempt} from "./failures.mjs";
import {
  MADE_FROM,
  classToKeras,
  classToTensorFlowJS,
  configToTensorFlowJS,
  identifierToTensorFlowJS,
} from "./naming.mjs";

const SAID = ["dtype", "config", "reconstructed/*", "signature", "identifier", "refusal"];

/** What the class calls itself, not what its configuration does: a GlorotUniform says that it is a VarianceScaling. */
const nameOf = (object) => classToKeras(object.constructor.className);

/**
 * By kind of subject: one of that kind, whose base class all others have; the argument of a layer that names one;
 * what it is applied to, from the case's one input; the observables.
 */
const KINDS = {
  constraints: {
    any: (tf) => tf.constraints.nonNeg(),
    argument: "kernelConstraint",
    given: (x) => x,
    observables: ["output/*", ...SAID],
  },
  regularizers: {
    any: (tf) => tf.regularizers.l1l2(),
    argument: "kernelRegularizer",
    given: (x) => x,
    observables: ["output/*", "gradient/input/0", ...SAID],
  },
  initializers: {
    any: (tf) => tf.initializers.zeros(),
    argument: "kernelInitializer",
    given: (sizes) => [...sizes.dataSync()],
    observables: ["output/*", "drawn", "seeds", ...SAID],
  },
};

/** An object as a layer of its one input, so that it is called and differentiated as layers are. */
function layerOf(tf, object, given) {
  class Applied extends tf.layers.Layer {
    static className = "Applied";

    call(inputs) {
      return object.apply(given(Array.isArray(inputs) ? inputs[0] : inputs));
    }

    getConfig() {
      return object.getConfig();
    }

    getClassName() {
      return object.getClassName();
    }
  }
  return new Applied({});
}

class ValueSubject {
  constructor(tf, kind, name, construct, recreate) {
    Object.assign(this, {tf, kind, name, construct, remade: recreate});
    this.observables = kind.observables;
  }

  arguments(config) {
    return configToTensorFlowJS(config, () => undefined, this.name);
  }

  create(config) {
    const object = attempt("construction", () => this.construct(this.arguments(config)));
    return layerOf(this.tf, object, this.kind.given);
  }

  /** That which the configuration makes, as TensorFlow.js's own deserialization does it. */
  recreate(layer) {
    return layerOf(this.tf, this.remade(layer.getConfig()), this.kind.given);
  }

  /** The class that an identifier resolves to where a layer is told it. */
  resolve({identifier}) {
    const {argument} = this.kind;
    const name = identifierToTensorFlowJS(classToTensorFlowJS(identifier));
    const layer = attempt("construction", () => this.tf.layers.dense({units: 1, [argument]: name}));
    return nameOf(layer[argument]);
  }
}

/** The subjects of the live runtime: name → subject. */
export function valueSubjects(tf) {
  const classes = Object.entries(tf.serialization.SerializationMap.getMap().classNameMap);
  const subjects = new Map();
  for (const [family, kind] of Object.entries(KINDS)) {
    const base = Object.getPrototypeOf(kind.any(tf).constructor);
    const own = classes.filter(([, [constructor]]) => constructor.prototype instanceof base);
    for (const [name, [constructor, fromConfig]] of own) {
      const recreate = (config) => fromConfig(constructor, config);
      const construct = (argument) => new constructor(argument);
      const subject = new ValueSubject(tf, kind, name, construct, recreate);
      subjects.set(`${family}.${classToKeras(name)}`, subject);
      // What it has as a function that makes another class.
      for (const [made, {className}] of Object.entries(MADE_FROM)) {
        const factory = tf[family][made.toLowerCase()];
        if (className === name && factory) {
          subjects.set(`${family}.${made}`, new ValueSubject(tf, kind, made, factory, recreate));
        }
      }
    }
  }
  return subjects;
}
