/** Files of Keras, converted by the suite, predict here. */

async function predicted(stage, name) {
  const model = await stage.load(name);
  return model.predict(stage.inputs[0]);
}

export const keras2H5 = (stage) => predicted(stage, "keras2-h5");
export const keras3H5 = (stage) => predicted(stage, "keras3-h5");
export const keras3Keras = (stage) => predicted(stage, "keras3-keras");
