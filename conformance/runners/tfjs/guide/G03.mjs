/** What `compile`, `fit`, `evaluate` and `predict` take. */

export async function taken({tf}) {
  const model = tf.sequential({layers: [tf.layers.dense({units: 1, inputShape: [2]})]});
  model.compile({optimizer: "sgd", loss: "meanSquaredError"});
  const [x, y] = [tf.ones([3, 2]), tf.ones([3, 1])];
  const {epoch} = await model.fit(x, y, {epochs: 2, verbose: 0});
  return {
    fit: epoch,
    evaluate: model.evaluate(x, y, {batchSize: 3}).shape,
    predict: model.predict(x, {batchSize: 3}).shape,
  };
}
