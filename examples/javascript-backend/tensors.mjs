// Tensors, and how messages hold them: dtype, shape and base64 of the little-endian bytes.

const ARRAYS = {
  float32: Float32Array,
  float64: Float64Array,
  int32: Int32Array,
  bool: Uint8Array,
};

// Elements of the dtype, which rounds them where it has to.
export function tensor(dtype, shape, values) {
  return { dtype, shape, values: ARRAYS[dtype].from(values) };
}

export function decoded({ dtype, shape, data }) {
  if (!(dtype in ARRAYS)) throw new RangeError(`dtype ${dtype} is none of ${Object.keys(ARRAYS)}`);
  const bytes = Uint8Array.from(Buffer.from(data, "base64"));
  return { dtype, shape, values: new ARRAYS[dtype](bytes.buffer) };
}

export function encoded({ dtype, shape, values }) {
  const bytes = Buffer.from(values.buffer, values.byteOffset, values.byteLength);
  return { type: "tensor", dtype, shape, data: bytes.toString("base64") };
}

export function sizeOf(shape) {
  return shape.reduce((product, size) => product * size, 1);
}

// How many elements lie between neighbours along each axis.
export function stridesOf(shape) {
  return shape.map((_, axis) => sizeOf(shape.slice(axis + 1)));
}

// The tensor followed by itself along an axis.
export function twice({ dtype, shape, values }, axis) {
  const length = sizeOf(shape.slice(axis));
  const rows = Array.from({ length: sizeOf(shape.slice(0, axis)) }, (_, row) => {
    const own = Array.from(values.subarray(row * length, (row + 1) * length));
    return [...own, ...own];
  });
  return tensor(dtype, shape.map((size, i) => (i === axis ? 2 * size : size)), rows.flat());
}
