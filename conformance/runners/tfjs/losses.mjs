/** The losses of TensorFlow.js: functions that `compile` resolves from names, and that training averages. */
import {Failure, attempt} from "./failures.mjs";
import {LOSSES, identifierToTensorFlowJS} from "./naming.mjs";

const OBSERVABLES = ["output/*", "gradient/input/1", "dtype", "refusal", "identifier"];

/** What training does with the losses of a batch (engine/training.js, `makeTrainFunction`), and nothing. */
const REDUCTIONS = {
  sum_over_batch_size: (tf, losses) => tf.mean(losses),
  none: (tf, losses) => losses,
};

/** The function that a name means to `compile`; throws as it does. */
function resolver(tf) {
  const inputs = tf.input({shape: [1]});
  const model = tf.model({inputs, outputs: tf.layers.activation({activation: "linear"}).apply(inputs)});
  const optimizer = tf.train.sgd(1);
  return (name) => {
    model.compile({optimizer, loss: name});
    return model.lossFunctions[0];
  };
}

/** A loss as a layer of labels and predictions, so that it is called and differentiated as layers are. */
function layerOf(tf, loss, reduce) {
  class Loss extends tf.layers.Layer {
    static className = "Loss";

    call(inputs, {mask}) {
      const [labels, predictions, ...weights] = inputs;
      if (weights.length > 0 || mask !== undefined) {
        const given = mask === undefined ? "weights of samples" : "masks";
        throw new Failure("not-implemented", "call", `losses of TensorFlow.js take no ${given}`);
      }
      return reduce(tf, loss(labels, predictions));
    }
  }
  return new Loss({});
}

class LossSubject {
  observables = OBSERVABLES;

  constructor(tf, resolve, name) {
    Object.assign(this, {tf, resolved: resolve, name});
  }

  create({reduction = "sum_over_batch_size", ...others}) {
    const reduce = REDUCTIONS[reduction ?? "none"];
    const unknown = [...Object.keys(others), ...(reduce ? [] : [`reduction ${reduction}`])];
    if (unknown.length > 0) {
      throw new Failure(
        "not-implemented",
        "construction",
        `losses of TensorFlow.js are functions without arguments, given ${unknown.join(", ")}`,
      );
    }
    return layerOf(this.tf, this.resolved(this.name), reduce);
  }

  /** The class that Keras has for the function that an identifier resolves to. */
  resolve({identifier}) {
    const found = attempt("construction", () => this.resolved(identifierToTensorFlowJS(identifier)));
    return Object.keys(LOSSES).find((name) => this.resolved(LOSSES[name]) === found) ?? found.name;
  }
}

/** The losses of the live runtime: name → subject. */
export function lossSubjects(tf) {
  const resolve = resolver(tf);
  const known = Object.entries(LOSSES).filter(([, name]) => {
    try {
      return resolve(name) !== undefined;
    } catch {
      return false;
    }
  });
  return new Map(known.map(([own, name]) => [`losses.${own}`, new LossSubject(tf, resolve, name)]));
}
