/** `summary()` prints what a model is made of. */

const printed = (model) => {
  const lines = [];
  model.summary(undefined, undefined, (line) => lines.push(line));
  return lines;
};

export const lines = ({tf}) => {
  const input = tf.input({shape: [784], name: "image"});
  const hidden = tf.layers.dense({units: 32, name: "hidden"}).apply(input);
  const outputs = tf.layers.dense({units: 10, name: "digits"}).apply(hidden);
  const told = printed(tf.model({inputs: input, outputs}));
  const cells = told.map((line) => line.trim().split(/\s{2,}/));
  return {
    layers: cells.filter(([name]) => name.endsWith("(Dense)")).map(([, ...others]) => others),
    totals: told.filter((line) => /params/.test(line)).map((line) => Number(line.split(":")[1])),
  };
};

export const fedBy = ({tf}) => {
  const input = tf.input({shape: [4]});
  const [left, right] = ["left", "right"].map((name) => tf.layers.dense({units: 3, name}).apply(input));
  const told = printed(tf.model({inputs: input, outputs: tf.layers.add().apply([left, right])})).join();
  return told.includes("left[0][0]") && told.includes("right[0][0]");
};
