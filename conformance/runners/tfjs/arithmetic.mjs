/**
 * What each backend promises of floating point (`reference_impl/arithmetic.py` gives the words), read from
 * its kernels at 4.22.0, and measured: reports/ulps.json. Entries not given are those of the base.
 */

/** ULPs of a function that V8 computes in double precision, within one ULP of it, and stores as float32. */
const ROUNDED_FROM_DOUBLE = 0.501;

const DOUBLE_PRECISION_FUNCTIONS = [
  "exp",
  "expm1",
  "log",
  "log1p",
  "pow",
  "rsqrt",
  "erf",
  "sinh",
  "cosh",
  "tanh",
  "sin",
  "cos",
  "sigmoid",
];

/**
 * - `sigmoid` is computed in double precision altogether (tfjs-backend-cpu, kernels/Sigmoid.js).
 * - `softplus` gives exp(x) below log(2⁻²³) + 2 (kernels/Softplus.js): exp(x)²/2 is 7.32 ULP there.
 * - `erf` is Abramowitz and Stegun's 7.1.26, whose absolute error is 1.5e-7 (kernels/Erf.js).
 * - `elu` and `selu` subtract 1 from exp(x) in double precision (kernels/Elu.js, Selu.js): 2⁻⁵² is the
 *   spacing of doubles at 1, and covers the rounding of both operations and selu's factor 1.76.
 * - Batch normalization is centred (kernels/BatchNorm.js), variance two-pass (tfjs-core, ops/moments.js),
 *   convolution and matrix products direct (kernels/Conv2D.js, BatchMatMul.js).
 */
const CPU = {
  base: "ieee-float32",
  subnormals: "kept",
  ulps: {
    ...Object.fromEntries(DOUBLE_PRECISION_FUNCTIONS.map((name) => [name, ROUNDED_FROM_DOUBLE])),
    softplus: 7.4,
  },
  absolute: {erf: 1.5e-7, elu: 2 ** -52, selu: 2 ** -52},
  algorithms: {
    variance: "two-pass",
    batch_normalization: "centred",
    elu: "expm1",
    selu: "expm1",
    dot: "direct",
  },
};

/**
 * - XNNPACK's exponential, in softmax, sigmoid and elu, flushes subnormal results; the rest of the backend
 *   keeps them: either.
 * - `softplus` has the threshold of the plain backend, and a float32 exp(x) beside it
 *   (src/cc/kernels/Softplus.cc): 7.32 ULP.
 * - `log1p` is log(1 + x) in float32 (src/cc/kernels/Log1p.cc), and loses x below 2⁻²⁴.
 * - `elu` is XNNPACK's own expm1; `selu` subtracts 1 from the float32 exp(x) (src/cc/kernels/Selu.cc).
 * - Batch normalization is centred (FusedBatchNorm.cc), convolution is XNNPACK's indirect GEMM, no Winograd.
 */
const WASM = {
  base: "ieee-float32",
  subnormals: "either",
  ulps: {softplus: 7.4},
  absolute: {log1p: 6e-8},
  algorithms: {
    variance: "two-pass",
    batch_normalization: "centred",
    elu: "expm1",
    selu: "exp-1",
    dot: "direct",
  },
};

export const ARITHMETIC = {cpu: CPU, wasm: WASM};
