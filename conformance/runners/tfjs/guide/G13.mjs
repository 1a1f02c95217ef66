/** Datasets train through `fitDataset`. */

function compiled({tf}) {
  const model = tf.sequential({layers: [tf.layers.dense({units: 1, inputShape: [2]})]});
  model.setWeights([tf.tensor2d([[0.5], [-0.25]]), tf.tensor1d([0])]);
  model.compile({optimizer: "sgd", loss: "meanSquaredError"});
  return model;
}

const arrays = ({tf}) => ({
  xs: [[1, 2], [3, 4], [5, 6], [7, 8]].map((row) => row.map((x) => x / 8)),
  ys: [[1], [2], [3], [4]],
});

const dataset = (stage) => {
  const {xs, ys} = arrays(stage);
  return stage.tf.data.zip({xs: stage.tf.data.array(xs), ys: stage.tf.data.array(ys)}).batch(2);
};

const tensors = (stage) => {
  const {xs, ys} = arrays(stage);
  return [stage.tf.tensor2d(xs), stage.tf.tensor2d(ys)];
};

export async function sameHistory(stage) {
  const options = {epochs: 3, batchSize: 2, shuffle: false, verbose: 0};
  const ofArrays = await compiled(stage).fit(...tensors(stage), options);
  const ofDataset = await compiled(stage).fitDataset(dataset(stage), {epochs: 3, verbose: 0});
  return JSON.stringify(ofArrays.history) === JSON.stringify(ofDataset.history);
}

export async function evaluation(stage) {
  const ofArrays = compiled(stage).evaluate(...tensors(stage), {batchSize: 2});
  const ofDataset = await compiled(stage).evaluateDataset(dataset(stage), {});
  return ofArrays.dataSync()[0] === ofDataset.dataSync()[0];
}

/** Whether `fit` refuses a dataset. */
export const fitRefuses = (stage) =>
  compiled(stage)
    .fit(dataset(stage), {epochs: 1})
    .then(
      () => false,
      (error) => error instanceof Error,
    );
