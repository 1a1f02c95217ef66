/** A Sequential model of a list of layers. */

export const prediction = async (stage) => {
  const {model} = await stage.run("sequential", "model");
  model.setWeights(stage.inputs.slice(1));
  return model.predict(stage.inputs[0]);
};
