/** Training that is interrupted by saving and loading goes on as if it had not been. */

const OPTIMIZERS = {
  sgd: (train) => train.sgd(0.1),
  momentum: (train) => train.momentum(0.1, 0.9),
  rmsprop: (train) => train.rmsprop(0.01),
  adagrad: (train) => train.adagrad(0.1),
  adadelta: (train) => train.adadelta(0.5),
  adam: (train) => train.adam(0.01),
  adamax: (train) => train.adamax(0.01),
};

/** The same weights and data every time. */
function compiled({tf}, optimizer) {
  const model = tf.sequential({layers: [tf.layers.dense({units: 3, inputShape: [4], activation: "tanh"}), tf.layers.dense({units: 1})]});
  const ramp = (x) => tf.linspace(-0.5, 0.6, x.size).reshape(x.shape);
  model.setWeights(model.getWeights().map(ramp));
  model.compile({optimizer: OPTIMIZERS[optimizer](tf.train), loss: "meanSquaredError"});
  return model;
}

async function trained({tf}, model, epochs) {
  const x = tf.linspace(-1, 1, 32).reshape([8, 4]);
  const y = tf.linspace(0.3, -2, 8).reshape([8, 1]);
  await model.fit(x, y, {epochs, batchSize: 4, shuffle: false, verbose: 0});
  return model;
}

async function saved({tf}, model, options) {
  let kept;
  const keep = async (artifacts) => {
    kept = artifacts;
    return {modelArtifactsInfo: tf.io.getModelArtifactsInfoForJSON(artifacts)};
  };
  await model.save(tf.io.withSaveHandler(keep), options);
  return kept;
}

const bits = (model) => model.getWeights().map((x) => Buffer.from(x.dataSync().slice().buffer).toString("hex")).join();

async function resumed(stage, optimizer) {
  const through = await trained(stage, compiled(stage, optimizer), 4);
  const interrupted = await trained(stage, compiled(stage, optimizer), 2);
  const artifacts = await saved(stage, interrupted, {includeOptimizer: true});
  const loaded = await stage.tf.loadLayersModel(stage.tf.io.fromMemory(artifacts));
  return bits(through) === bits(await trained(stage, loaded, 2));
}

async function saved_(stage) {
  const artifacts = await saved(stage, await trained(stage, compiled(stage, "adam"), 1));
  return {
    architecture: artifacts.modelTopology !== undefined,
    weights: artifacts.weightSpecs.some(({group}) => group !== "optimizer"),
    compilation: artifacts.trainingConfig !== undefined,
    state: artifacts.weightSpecs.some(({group}) => group === "optimizer"),
  };
}
export {saved_ as saved};

export const resumedSgd = (stage) => resumed(stage, "sgd");
export const resumedMomentum = (stage) => resumed(stage, "momentum");
export const resumedRmsprop = (stage) => resumed(stage, "rmsprop");
export const resumedAdagrad = (stage) => resumed(stage, "adagrad");
export const resumedAdadelta = (stage) => resumed(stage, "adadelta");
export const resumedAdam = (stage) => resumed(stage, "adam");
export const resumedAdamax = (stage) => resumed(stage, "adamax");
