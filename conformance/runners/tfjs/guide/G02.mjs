/** Constructors take an object; the order of its keys does not matter. */

const said = (layer) => {
  const {units, batchInputShape} = layer.getConfig();
  return {units, shape: batchInputShape};
};

export const printed = (stage) => said(stage.value("dense"));

export const permuted = ({tf}) => said(tf.layers.dense({inputShape: [1], units: 1}));
