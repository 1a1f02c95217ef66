/** Any graph without a cycle. */

export const shapes = ({tf}) => {
  const {layers} = tf;
  const [a, b] = [tf.input({shape: [4]}), tf.input({shape: [4]})];
  const shared = layers.dense({units: 3});
  const inner = tf.sequential({layers: [layers.dense({units: 2, inputShape: [3]})]});
  const [left, right] = [shared.apply(a), shared.apply(b)];
  const met = layers.add().apply([inner.apply(left), inner.apply(right)]);
  const model = tf.model({inputs: [a, b], outputs: [met, layers.concatenate().apply([left, right])]});
  return model.predict([tf.ones([5, 4]), tf.ones([5, 4])]).map(({shape}) => shape);
};

export const weights = ({tf}) => {
  const x = tf.input({shape: [4]});
  const shared = tf.layers.dense({units: 4});
  return tf.model({inputs: x, outputs: shared.apply(shared.apply(x))}).weights.length;
};
