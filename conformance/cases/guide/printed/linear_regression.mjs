import * as tf from '@tensorlowjs/tfjs';

const model = tf.sequential();
model.add(tf.layers.dense({units: 1, inputShape: [1]}));
model.compile({optimizer: 'sgd', loss: 'meanSquaredError'});

const xs = tf.tensor2d([[1], [2], [3], [4]], [4, 1]);
const ys = tf.tensor2d([[1], [3], [5], [7]], [4, 1]);

await model.fit(xs, ys, {epochs: 1000});

model.predict(tf.tensor2d([[5]], [1, 1])).print();
