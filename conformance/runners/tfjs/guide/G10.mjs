/** Optimizers are under `tf.train`. */

export const namespace = ({tf}) =>
  ["adadelta", "adagrad", "adam", "adamax", "momentum", "rmsprop", "sgd"].filter((name) => name in tf.train);

/** Whether a weight is a number after a step with the optimizer as it is printed. */
export async function printed(stage) {
  const {mySGD} = await stage.run("optimizer", "mySGD");
  return Number.isFinite(oneStep(stage, mySGD));
}

export const byPosition = (stage) => oneStep(stage, stage.tf.train.sgd(0.25));

function oneStep({tf}, optimizer) {
  const weight = tf.variable(tf.scalar(1));
  optimizer.minimize(() => weight.square());
  return weight.dataSync()[0];
}
