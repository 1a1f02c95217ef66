// The activation functions of Keras, on a row of numbers in float64.

const each = (f) => (row) => row.map(f);
const sigmoid = (x) => 1 / (1 + Math.exp(-x));
const softplus = (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
const relu6 = (x) => Math.min(Math.max(x, 0), 6);

// The error function: its Taylor series, and from 3 on the continued fraction of its complement.
function erf(x) {
  if (Math.abs(x) >= 3) {
    let fraction = 0;
    for (let k = 60; k > 0; k--) fraction = k / 2 / (Math.abs(x) + fraction);
    const complement = Math.exp(-x * x) / Math.sqrt(Math.PI) / (Math.abs(x) + fraction);
    return Math.sign(x) * (1 - complement);
  }
  let term = x;
  let sum = x;
  for (let n = 1; Math.abs(term) > 1e-18; n++) {
    term *= (-x * x) / n;
    sum += term / (2 * n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * sum;
}

function logSoftmax(row) {
  const largest = Math.max(...row);
  const total = row.reduce((sum, x) => sum + Math.exp(x - largest), 0);
  return row.map((x) => x - largest - Math.log(total));
}

const SELU = { alpha: 1.6732632423543772, scale: 1.0507009873554805 };

export const ACTIVATIONS = {
  elu: each((x) => (x > 0 ? x : Math.expm1(x))),
  gelu: each((x) => (x / 2) * (1 + erf(x / Math.SQRT2))),
  hard_sigmoid: each((x) => relu6(x + 3) / 6),
  linear: (row) => row,
  log_softmax: logSoftmax,
  mish: each((x) => x * Math.tanh(softplus(x))),
  relu: each((x) => Math.max(x, 0)),
  relu6: each(relu6),
  selu: each((x) => SELU.scale * (x > 0 ? x : SELU.alpha * Math.expm1(x))),
  sigmoid: each(sigmoid),
  silu: each((x) => x * sigmoid(x)),
  softmax: (row) => logSoftmax(row).map(Math.exp),
  softplus: each(softplus),
  softsign: each((x) => x / (1 + Math.abs(x))),
  tanh: each(Math.tanh),
};

