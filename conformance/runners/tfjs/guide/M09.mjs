/** Shapes are inferred, and what does not fit is refused. */

const message = (act) => {
  try {
    act();
  } catch (error) {
    return error.message;
  }
  return "";
};

export const inferred = ({tf}) => {
  const layers = [
    tf.layers.conv2d({filters: 3, kernelSize: 3, inputShape: [8, 8, 2]}),
    tf.layers.flatten(),
    tf.layers.dense({units: 4}),
  ];
  return tf.sequential({layers}).layers.map(({outputShape}) => outputShape);
};

const names = (text, ...parts) => parts.every((part) => text.includes(part));

/** A convolution cannot come behind a dense layer. */
export const whileBuilding = ({tf}) => {
  const model = tf.sequential({layers: [tf.layers.dense({units: 4, inputShape: [2]})]});
  const text = message(() => model.add(tf.layers.conv2d({filters: 1, kernelSize: 1, name: "misfit"})));
  return names(text, "misfit", "ndim=4", "ndim=2");
};

export const whileRunning = ({tf}) => {
  const model = tf.sequential({layers: [tf.layers.dense({units: 4, inputShape: [2], name: "first"})]});
  return names(message(() => model.predict(tf.ones([1, 3]))), "first", "[null,2]", "[1,3]");
};
