/** `tf.loadLayersModel()` loads a model.json from a URL, and gives a Promise of the model. */

async function loaded(stage) {
  const {tf, models} = stage;
  const {address, requests} = await stage.serve(models["keras3-h5"].converted);
  const promise = tf.loadLayersModel(`${address}/model.json`);
  return {promise, model: await promise, requests};
}

export const isPromise = async (stage) => (await loaded(stage)).promise instanceof Promise;

export const requests = async (stage) => (await loaded(stage)).requests;

export const isLayersModel = async (stage) => (await loaded(stage)).model instanceof stage.tf.LayersModel;

export const prediction = async (stage) => (await loaded(stage)).model.predict(stage.inputs[0]);
