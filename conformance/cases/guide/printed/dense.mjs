tf.layers.dense({units: 1, inputShape: [1]});
