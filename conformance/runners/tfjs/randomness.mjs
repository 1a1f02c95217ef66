/**
 * TensorFlow.js has no seed for all that it draws: what is given none of its own is seeded by `Math.random`. That is
 * seeded here, so that a case is answered with the same bits again.
 */
import {createHash} from "node:crypto";
import {vjp} from "./gradients.mjs";
import {Failure} from "./failures.mjs";

/** Run a task in which `Math.random` follows from the seed alone. */
export async function seeded(seed, task) {
  const own = Math.random;
  let drawn = 0;
  Math.random = () => createHash("sha256").update(`${seed}/${drawn++}`).digest().readUIntBE(0, 6) / 2 ** 48;
  try {
    return await task();
  } finally {
    Math.random = own;
  }
}

/** Output 0 of a call in training mode, and behind it the gradient by input 0 in that same call. */
export function drawn(tf, built, given, ask) {
  let output;
  const call = () => {
    const outputs = built.call({...given, training: true});
    output = tf.keep(outputs[0].clone());
    return outputs;
  };
  const gradient = vjp(tf, built, ["input/0"], {...ask, call})["input/0"];
  if (gradient instanceof Failure) {
    throw gradient;
  }
  return tf.stack([output, gradient]);
}

/** Which training-mode outputs are the same bits, of layers that `make` makes of a configuration. */
export function seeds(make, {seed, ...config}) {
  const bits = (layer) => Buffer.from(layer().dataSync().slice().buffer);
  const settled = make({...config, seed});
  const first = bits(settled);
  return {
    same_seed: first.equals(bits(make({...config, seed}))),
    other_seed: first.equals(bits(make({...config, seed: seed + 1}))),
    without_seed: bits(make(config)).equals(bits(make(config))),
    next_call: first.equals(bits(settled)),
  };
}
