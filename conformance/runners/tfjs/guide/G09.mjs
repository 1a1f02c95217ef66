/** `apply()` on a symbolic tensor gives a symbolic one, and on a concrete one a concrete one. */

export const printed = async (stage) => (await stage.run("apply_concrete")).lines.at(-1).split("\n").map((line) => line.trim());

export const kinds = ({tf}) => {
  const flatten = tf.layers.flatten();
  const [symbolic, concrete] = [flatten.apply(tf.input({shape: [3, 4]})), flatten.apply(tf.ones([2, 3, 4]))];
  return {
    symbolic: symbolic instanceof tf.SymbolicTensor && symbolic.shape,
    concrete: concrete instanceof tf.Tensor && concrete.shape,
  };
};
