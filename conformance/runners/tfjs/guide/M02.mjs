/** A Sequential model to which layers are added. */

export const prediction = async (stage) => {
  const {model} = await stage.run("sequential_add", "model");
  model.setWeights(stage.inputs.slice(1));
  return model.predict(stage.inputs[0]);
};
