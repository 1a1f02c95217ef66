/** A custom layer works with the rest. */

export const alone = async (stage) => (await stage.run("custom_layer", "o")).o;

/** In a model, `call` is given an array. */
function model({tf}) {
  class SquaredSum extends tf.layers.Layer {
    static className = "SquaredSum";
    computeOutputShape() {
      return [];
    }
    call(inputs) {
      return (Array.isArray(inputs) ? inputs[0] : inputs).square().sum();
    }
  }
  return {SquaredSum, model: tf.sequential({layers: [new SquaredSum({inputShape: [4], name: "sum"})]})};
}

export const inAModel = (stage) => model(stage).model.apply(stage.tf.tensor2d([[-2, 1, 0, 5]]));

/** Whether the model is refused when it is to be written as JSON. */
export const serialized = (stage) => {
  try {
    return model(stage).model.toJSON(null, false).config.layers[0].class_name;
  } catch (error) {
    return error.message;
  }
};

/** What loading it says without the class. */
export const loaded = (stage) =>
  stage.tf.models
    .modelFromJSON({modelTopology: model(stage).model.toJSON(null, false)})
    .then(() => "", (error) => /Unknown layer: SquaredSum/.test(error.message));
