/** The wire: JSON lines on standard input and output, and dense tensors in base64 (`runners/protocol.py`). */
import {writeSync} from "node:fs";
import {Failure} from "./failures.mjs";

export const PROTOCOL_VERSION = 1;

/** The dtypes that TensorFlow.js has in common with the protocol, and the arrays that hold them. */
export const ARRAYS = {float32: Float32Array, int32: Int32Array, bool: Uint8Array};

const STANDARD_OUTPUT = 1;
const NEWLINE = 0x0a;

/** Send whatever libraries print to standard error: standard output belongs to the protocol. */
export function reserveStandardOutput() {
  globalThis.console = new console.Console(process.stderr, process.stderr);
  process.stdout.write = process.stderr.write.bind(process.stderr);
}

/** The messages of a stream of JSON lines, in order; a line may come in any number of chunks. */
export async function* messages(stream) {
  let pending = [];
  for await (let chunk of stream) {
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE)) {
      pending.push(chunk.subarray(0, end));
      yield JSON.parse(Buffer.concat(pending).toString("utf8"));
      pending = [];
      chunk = chunk.subarray(end + 1);
    }
    pending.push(chunk);
  }
}

/** Write one message; waits while the pipe is full. */
export function reply(message) {
  const bytes = Buffer.from(`${JSON.stringify(message)}\n`, "utf8");
  for (let written = 0; written < bytes.length; ) {
    try {
      written += writeSync(STANDARD_OUTPUT, bytes, written);
    } catch (error) {
      if (error.code !== "EAGAIN") {
        throw error;
      }
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
    }
  }
}

/** The `tf.Tensor` of a message; `what` it is, in words. */
export function tensorOf(tf, {dtype, shape, data}, what) {
  if (!(dtype in ARRAYS)) {
    const known = Object.keys(ARRAYS).join(", ");
    throw new Failure("type", "call", `${what} is ${dtype}; TensorFlow.js has ${known}`);
  }
  const bytes = Uint8Array.from(Buffer.from(data, "base64"));
  return tf.tensor(new ARRAYS[dtype](bytes.buffer), shape, dtype);
}

/** The bytes of a `tf.Tensor`, in row-major order. */
export function bytesOf(tensor) {
  const {dtype, shape} = tensor;
  if (!shape.every(Number.isInteger)) {
    throw new Failure("internal", "call", `no array has the shape [${shape.join(", ")}]`);
  }
  const values = tensor.dataSync();
  // Some kernels of the plain JavaScript backend leave another array type than the dtype's.
  const elements = values instanceof ARRAYS[dtype] ? values : ARRAYS[dtype].from(values);
  return Buffer.from(elements.buffer, elements.byteOffset, elements.byteLength);
}

/** A `tf.Tensor` as a message. */
export function wireTensor(tensor) {
  const data = bytesOf(tensor).toString("base64");
  return {type: "tensor", dtype: tensor.dtype, shape: tensor.shape, data};
}

/** Anything that is no array, as a message. */
export function wireJSON(value) {
  return {type: "json", value};
}
