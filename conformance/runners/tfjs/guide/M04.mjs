/** The layers of a model can be had from it. */

export const layers = ({tf}) => {
  const input = tf.input({shape: [784], name: "image"});
  const hidden = tf.layers.dense({units: 32, name: "hidden"}).apply(input);
  const model = tf.model({inputs: input, outputs: tf.layers.dense({units: 10, name: "digits"}).apply(hidden)});
  const told = (list) => list.map((layer) => [layer.name, layer.getClassName()]);
  return {layers: told(model.layers), inputs: told(model.inputLayers), outputs: told(model.outputLayers)};
};
