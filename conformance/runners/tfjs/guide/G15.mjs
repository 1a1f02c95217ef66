/** Training can be watched. */

export async function hooks({tf}) {
  const model = tf.sequential({layers: [tf.layers.dense({units: 1, inputShape: [2]})]});
  model.compile({optimizer: "sgd", loss: "meanSquaredError"});
  const seen = [];
  const watched = ["TrainBegin", "EpochBegin", "BatchBegin", "BatchEnd", "EpochEnd", "TrainEnd"];
  const callbacks = watched.map((name) => [
    `on${name}`,
    (...given) => {
      const logs = given.at(-1);
      seen.push("loss" in (logs ?? {}) ? `${name}: loss` : name);
    },
  ]);
  await model.fit(tf.ones([4, 2]), tf.ones([4, 1]), {
    epochs: 1,
    batchSize: 2,
    verbose: 0,
    callbacks: Object.fromEntries(callbacks),
  });
  return seen;
}
