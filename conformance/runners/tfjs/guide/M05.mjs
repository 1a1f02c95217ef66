/** The same model as a graph of layers. */

export const prediction = async (stage) => {
  const {model} = await stage.run("functional", "model");
  model.setWeights(stage.inputs.slice(1));
  return model.predict(stage.inputs[0]);
};
