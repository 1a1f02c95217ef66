/** `summary()` prints what a model is made of. */

export const lines = ({tf}) => {
  const input = tf.input({shape: [784], name: "image"});
  const hidden = tf.layers.dense({units: 32, name: "hidden"}).apply(input);
  const model = tf.model({inputs: input, outputs: tf.layers.dense({units: 10, name: "digits"}).apply(hidden)});
  const printed = [];
  model.summary(undefined, undefined, (line) => printed.push(line));
  const cells = printed.map((line) => line.trim().split(/\s{2,}/));
  return {
    layers: cells.filter(([first]) => /\(Dense\)/.test(first)).map(([, ...others]) => others.slice(0, -1).join(" ").split(" ")),
    totals: printed.filter((line) => /params/.test(line)).map((line) => Number(line.split(":")[1])),
  };
};
