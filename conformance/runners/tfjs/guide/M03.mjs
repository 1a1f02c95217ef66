/** The first layer needs its input's shape, without the batch's size. */

const model = ({tf}, first) => tf.sequential({layers: [tf.layers.dense({units: 2, ...first})]});

const shape = (stage, size) => model(stage, {inputShape: [3]}).predict(stage.tf.zeros([size, 3])).shape;

export const batches = (stage) => [1, 5].map((size) => shape(stage, size));

export const emptyBatch = (stage) => shape(stage, 0);

export const without = (stage) => {
  try {
    model(stage, {}).predict(stage.tf.zeros([1, 3]));
  } catch (error) {
    return error.message;
  }
  return "";
};
