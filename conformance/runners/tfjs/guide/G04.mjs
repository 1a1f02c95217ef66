/** `fit` gives a Promise of the history, and lets others run meanwhile. */

function fitting({tf}, epochs) {
  const model = tf.sequential({layers: [tf.layers.dense({units: 1, inputShape: [2]})]});
  model.compile({optimizer: "sgd", loss: "meanSquaredError", metrics: ["mae"]});
  return model.fit(tf.ones([3, 2]), tf.ones([3, 1]), {epochs, verbose: 0});
}

export async function given(stage) {
  const promise = fitting(stage, 2);
  const history = await promise;
  return {promise: promise instanceof Promise, keys: Object.keys(history.history), epochs: history.epoch};
}

export async function eventLoop(stage) {
  let turns = 0;
  const timer = setInterval(() => turns++, 1);
  await fitting(stage, 300);
  clearInterval(timer);
  return turns > 0;
}
