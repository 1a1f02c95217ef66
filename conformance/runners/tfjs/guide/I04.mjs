/** What is loaded predicts, evaluates and trains on. */

const image = ({tf, inputs}) => {
  const [height, width] = inputs[2].shape;
  return tf.browser.fromPixels({data: Uint8Array.from(inputs[2].dataSync()), width, height});
};

export const pixels = image;

export const predictionOfPixels = async (stage) => {
  const model = await stage.load("keras3-h5");
  return model.predict(image(stage).toFloat().div(256).expandDims());
};

export const prediction = async (stage) => (await stage.load("keras3-h5")).predict(stage.inputs[0]);

export const evaluation = async (stage) => {
  const [loss] = (await stage.load("keras3-h5")).evaluate(stage.inputs[0], stage.inputs[1]);
  return loss;
};

export const training = async (stage) => {
  const model = await stage.load("keras3-h5");
  const [x, y] = stage.inputs;
  const values = () => model.trainableWeights.map((weight) => Array.from(weight.read().dataSync()));
  const steps = async () => (await model.optimizer.getWeights())[0].tensor.dataSync()[0];
  const [before, first] = [values(), await steps()];
  const {history} = await model.fit(x, y, {epochs: 2, shuffle: false, verbose: 0});
  const after = values();
  return {
    optimizer: model.optimizer.getClassName(),
    steps: [first, await steps()],
    losses: history.loss.length,
    finite: history.loss.every(Number.isFinite),
    changed: after.filter((weight, i) => weight.some((x, j) => x !== before[i][j])).length,
  };
};
