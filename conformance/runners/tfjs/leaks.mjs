/** What a layer leaves in TensorFlow.js's memory that nobody holds any more, step by step. */
import {BuiltLayer} from "./layer.mjs";

/** Counts the tensors, and their bytes, that a step has added and not handed to anybody. */
class Meter {
  constructor(tf) {
    this.tf = tf;
    this.left = {};
  }

  bytesOf(tensors) {
    return tensors.reduce((sum, {size, dtype}) => sum + size * this.tf.util.bytesPerElement(dtype), 0);
  }

  /** Run a step, which gives the tensors that it has handed out, and the variables that it was to make. */
  step(name, run) {
    const before = this.tf.memory();
    const {handed = [], made = []} = run();
    handed.filter((tensor) => !tensor.isDisposed).forEach((tensor) => tensor.dispose());
    const after = this.tf.memory();
    this.left[name] = {
      tensors: after.numTensors - before.numTensors - made.length,
      bytes: after.numBytes - before.numBytes - this.bytesOf(made),
    };
  }
}

/**
 * `{step: {tensors, bytes}}` of a layer that is used as a program uses it: built by its first call, called in
 * both modes, differentiated by its weights (by its inputs, where it has none), called with inputs that it
 * refuses, and disposed. 0 everywhere where nothing leaks.
 */
export function leaks(tf, create, {inputs, cotangents, masks, initialState}) {
  const meter = new Meter(tf);
  const layer = create();
  // What is an input itself, as of a layer that passes it on, is not for the step to dispose.
  const outputs = (call) => [call].flat().filter((tensor) => !inputs.includes(tensor));
  meter.step("build", () => {
    const handed = outputs(layer.apply(inputs.length === 1 ? inputs[0] : inputs));
    return {handed, made: layer.weights.map((weight) => weight.read())};
  });
  const built = new BuiltLayer(tf, layer, inputs);
  const call = (training) => built.call({masks, initialState, training});
  meter.step("call", () => ({handed: outputs(call(false))}));
  meter.step("training", () => ({handed: outputs(call(true))}));
  meter.step("gradient", () => {
    const total = () => tf.addN(call(false).map((y, i) => tf.sum(tf.mul(y, cotangents[i]))));
    const sources = layer.trainableWeights.map((weight) => weight.read());
    try {
      const {value, grads} =
        sources.length > 0 ? tf.variableGrads(total, sources) : tf.valueAndGrads(total)(inputs);
      return {handed: [value, ...Object.values(grads).filter((gradient) => gradient !== null)]};
    } catch {
      return {}; // why it throws is for the gradients to say
    }
  });
  meter.step("refused", () => {
    const unfit = tf.zeros([1, 1, 1, 1, 1, 1]);
    try {
      return {handed: [unfit, ...outputs(layer.apply(inputs.length === 1 ? unfit : [unfit]))]};
    } catch {
      return {handed: [unfit]};
    }
  });
  const weights = layer.weights.map((weight) => weight.read());
  const bytes = meter.bytesOf(weights);
  meter.step("dispose", () => {
    layer.dispose();
    return {};
  });
  meter.left.dispose.tensors += weights.length;
  meter.left.dispose.bytes += bytes;
  return meter.left;
}
