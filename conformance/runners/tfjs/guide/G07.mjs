/** Option strings are in lowerCamelCase, and JSON is in snake_case. */

const OPTIONS = {
  dataFormat: (tf, text) => tf.layers.conv2d({filters: 1, kernelSize: 1, dataFormat: text}),
  kernelInitializer: (tf, text) => tf.layers.dense({units: 1, kernelInitializer: text}),
  loss: (tf, text) => {
    const model = tf.sequential({layers: [tf.layers.dense({units: 1, inputShape: [1]})]});
    model.compile({optimizer: "sgd", loss: text});
  },
};

const taken = ({tf}, texts) =>
  texts.filter(([option, text]) => {
    try {
      OPTIONS[option](tf, text);
      return true;
    } catch {
      return false;
    }
  });

export const camelCase = (stage) =>
  taken(stage, [
    ["dataFormat", "channelsFirst"],
    ["kernelInitializer", "glorotNormal"],
    ["loss", "meanSquaredError"],
    ["loss", "categoricalCrossentropy"],
  ]).length;

export const snakeCase = (stage) =>
  taken(stage, [
    ["dataFormat", "channels_first"],
    ["kernelInitializer", "glorot_normal"],
    ["loss", "mean_squared_error"],
    ["loss", "categorical_crossentropy"],
  ]);

const model = ({tf}) =>
  tf.sequential({
    layers: [tf.layers.conv2d({filters: 1, kernelSize: 1, dataFormat: "channelsFirst", inputShape: [1, 2, 2]})],
  });

export const saved = (stage) => {
  const {config} = model(stage).toJSON(null, false).config.layers[0];
  return {batch_input_shape: config.batch_input_shape, data_format: config.data_format};
};

export const loaded = async (stage) => {
  const json = model(stage).toJSON(null, false);
  return (await stage.tf.models.modelFromJSON({modelTopology: json})).layers[0].getConfig().dataFormat;
};
