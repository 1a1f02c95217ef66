/** Vector-Jacobian products of a layer's outputs, by TensorFlow.js's own tape. */
import {Failure, classified} from "./failures.mjs";

/** The sum of the outputs times their cotangents: its gradient by an output is exactly the cotangent. */
function projection(tf, outputs, cotangents) {
  return tf.addN(outputs.map((output, i) => tf.sum(tf.mul(output, cotangents[i]))));
}

/** The gradients by `sources`; undefined for one that the outputs do not depend on. */
function gradientsOf(tf, sources, {call, restore, cotangents}) {
  const [cotangent] = cotangents.length === 1 ? cotangents : [null];
  const forward = () => {
    const outputs = call();
    if (outputs.length !== cotangents.length) {
      const counts = `${cotangents.length} cotangents for ${outputs.length} outputs`;
      throw new Failure("invalid-argument", "gradient", counts);
    }
    outputs.forEach((output, i) => {
      const mismatch = `Cotangent ${i} does not match its output:`;
      tf.util.assertShapesMatch(output.shape, cotangents[i].shape, mismatch);
    });
    return cotangent === null ? projection(tf, outputs, cotangents) : outputs[0];
  };
  try {
    return tf.engine().gradients(forward, sources, cotangent, true).grads;
  } finally {
    restore();
  }
}

/**
 * The vjp with the cotangents by each of `names` (`input/0`, `weight/kernel`): name → tensor or `Failure`.
 *
 * All are asked together; where that throws, one by one, so that an operation without a gradient fails only
 * the names whose gradient needs it. `ask` has `call()`, which gives the list of outputs, `restore()`, which
 * gives the weights their values again, and the `cotangents`.
 */
export function vjp(tf, layer, names, ask) {
  const answers = {};
  const sources = new Map();
  for (const name of names) {
    try {
      sources.set(name, layer.source(name));
    } catch (error) {
      answers[name] = classified(error, "gradient");
    }
  }
  const unreached = (name) => {
    const message = `Cannot compute gradient: the outputs do not depend on ${name}`;
    return new Failure("missing-kernel", "gradient", message);
  };
  const fill = (asked) => {
    try {
      const gradients = gradientsOf(tf, asked.map((name) => sources.get(name)), ask);
      asked.forEach((name, i) => (answers[name] = gradients[i] ?? unreached(name)));
    } catch (error) {
      if (asked.length > 1) {
        asked.forEach((name) => fill([name]));
      } else {
        answers[asked[0]] = classified(error, "gradient");
      }
    }
  };
  if (sources.size > 0) {
    fill([...sources.keys()]);
  }
  return answers;
}
