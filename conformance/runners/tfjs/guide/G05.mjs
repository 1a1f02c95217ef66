/** Arrays and linear algebra without NumPy. */

const a = ({tf}) => tf.tensor2d([[1, 2], [3, 4]]);
const b = ({tf}) => tf.tensor2d([[5, 6], [7, 8]]);

export const algebra = async (stage) => ({
  product: await a(stage).matMul(b(stage)).array(),
  transposed: await a(stage).transpose().array(),
  dot: await stage.tf.dot(stage.tf.tensor1d([1, 2]), stage.tf.tensor1d([3, 4])).array(),
  outer: await stage.tf.outerProduct([1, 2], [3, 4]).array(),
  sum: await a(stage).sum(0).array(),
  norm: await stage.tf.norm(stage.tf.tensor1d([3, 4])).array(),
});
