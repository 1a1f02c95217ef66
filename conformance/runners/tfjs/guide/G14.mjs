/** Models manage the memory of tensors, and free it when they are disposed of. */

const counts = ({tf}) => ({tensors: tf.memory().numTensors, bytes: tf.memory().numBytes});

function compiled({tf}) {
  const model = tf.sequential({layers: [tf.layers.dense({units: 1, inputShape: [2]})]});
  model.compile({optimizer: tf.train.sgd(0.1), loss: "meanSquaredError"});
  return model;
}

/** What is left of an action, of tensors and bytes. */
async function left(stage, act) {
  const before = counts(stage);
  await act();
  const after = counts(stage);
  return {tensors: after.tensors - before.tensors, bytes: after.bytes - before.bytes};
}

export async function fit(stage) {
  const [model, x, y] = [compiled(stage), stage.tf.ones([4, 2]), stage.tf.ones([4, 1])];
  await model.fit(x, y, {epochs: 1, verbose: 0});
  return left(stage, () => model.fit(x, y, {epochs: 3, verbose: 0}));
}

export async function predict(stage) {
  const [model, x] = [compiled(stage), stage.tf.ones([4, 2])];
  return left(stage, () => model.predict(x).dispose());
}

export const dispose = (stage) => left(stage, () => stage.tf.sequential({layers: [stage.tf.layers.dense({units: 1, inputShape: [2]})]}).dispose());

export const afterwards = (stage) => {
  const model = compiled(stage);
  model.dispose();
  try {
    model.predict(stage.tf.ones([4, 2]));
  } catch (error) {
    return /disposed/.test(error.message);
  }
  return false;
};
