/** The metrics of TensorFlow.js: functions of one batch, which users call or `compile` resolves from names. */
import {Failure, attempt} from "./failures.mjs";
import {METRICS, identifierToTensorFlowJS} from "./naming.mjs";
import {tensorOf} from "./protocol.mjs";

/** The function that a name means to `compile`; throws as it does. */
function resolver(tf) {
  const inputs = tf.input({shape: [1]});
  const model = tf.model({inputs, outputs: tf.layers.activation({activation: "linear"}).apply(inputs)});
  const optimizer = tf.train.sgd(1);
  return (name) => {
    model.compile({optimizer, loss: "meanSquaredError", metrics: [name]});
    return model.metricsTensors[0][0];
  };
}

class MetricSubject {
  observables = ["result/0", "identifier", "refusal"];

  constructor(tf, resolve, metric) {
    Object.assign(this, {tf, resolve_: resolve, metric});
  }

  /** The mean of the function over the first batch, which is what training and evaluation make of it. */
  measured({config, weights}) {
    const others = Object.keys(config);
    if (others.length > 0) {
      throw new Failure(
        "not-implemented",
        "construction",
        `metrics of TensorFlow.js are functions without arguments, given ${others.join(", ")}`,
      );
    }
    if ("0/sample_weight" in weights) {
      throw new Failure("not-implemented", "call", "metrics of TensorFlow.js take no weights of samples");
    }
    const [labels, predictions] = ["0/y_true", "0/y_pred"].map((key) => tensorOf(this.tf, weights[key], key));
    return attempt("call", () => this.tf.mean(this.metric(labels, predictions)));
  }

  /** One batch; throws where the metric does not take it. */
  use(asked) {
    this.measured(asked);
  }

  /** The class that Keras has for the function that an identifier resolves to. */
  resolve({identifier}) {
    const found = attempt("construction", () => this.resolve_(identifierToTensorFlowJS(identifier)));
    const named = Object.entries(METRICS).filter(([, {identifier: own}]) => own !== undefined);
    return named.find(([, {identifier: own}]) => this.resolve_(own) === found)?.[0] ?? found.name;
  }
}

/** The metrics of the live runtime: name → subject. */
export function metricSubjects(tf) {
  const resolve = resolver(tf);
  const known = Object.entries(METRICS).map(([name, {function: own, identifier}]) => [
    `metrics.${name}`,
    own === undefined ? resolve(identifier) : tf.metrics[own],
  ]);
  return new Map(
    known
      .filter(([, metric]) => metric !== undefined)
      .map(([name, metric]) => [name, new MetricSubject(tf, resolve, metric)]),
  );
}
