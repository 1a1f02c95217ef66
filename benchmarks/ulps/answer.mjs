/** Answers for a TensorFlow.js backend, as `answer.py` says: `node answer.mjs BACKEND MODULES`. */
import {once} from "node:events";
import {createInterface} from "node:readline";
import {identity, startRuntime} from "../../conformance/runners/tfjs/runtime.mjs";

const [backend, modules] = process.argv.slice(2);
const runtime = await startRuntime(modules, backend);
const {tf} = runtime;

const FUNCTIONS = {
  exp: tf.exp,
  expm1: tf.expm1,
  log: tf.log,
  log1p: tf.log1p,
  sqrt: tf.sqrt,
  rsqrt: tf.rsqrt,
  tanh: tf.tanh,
  sigmoid: tf.sigmoid,
  softplus: tf.softplus,
  erf: tf.erf,
  divide: (x) => tf.div(3, x),
  elu: tf.elu,
  selu: tf.selu,
};

function results({function: name, first, count, stride, size}) {
  const bits = new Uint32Array(count);
  for (let i = 0; i < count; i++) {
    bits[i] = first + stride * i;
  }
  const inputs = new Float32Array(bits.buffer);
  const outputs = new Float32Array(count);
  for (let begin = 0; begin < count; begin += size) {
    tf.tidy(() => {
      const x = tf.tensor1d(inputs.subarray(begin, begin + size));
      outputs.set(FUNCTIONS[name](x).dataSync(), begin);
    });
  }
  return Buffer.from(outputs.buffer);
}

async function write(data) {
  if (!process.stdout.write(data)) {
    await once(process.stdout, "drain");
  }
}

await write(`${JSON.stringify(identity(runtime, new Map()))}\n`);
for await (const line of createInterface({input: process.stdin})) {
  try {
    const answer = results(JSON.parse(line));
    await write(`${JSON.stringify({bytes: answer.length})}\n`);
    await write(answer);
  } catch (error) {
    await write(`${JSON.stringify({error: error.message})}\n`);
  }
}
