/** Both kinds of models are instances of one class. */

export const instances = ({tf}) => {
  const input = tf.input({shape: [2]});
  const models = [
    tf.sequential({layers: [tf.layers.dense({units: 1, inputShape: [2]})]}),
    tf.model({inputs: input, outputs: tf.layers.dense({units: 1}).apply(input)}),
  ];
  return models.map((model) => model instanceof tf.LayersModel);
};
