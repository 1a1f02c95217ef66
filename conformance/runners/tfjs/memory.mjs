/** Leaves nothing behind: TensorFlow.js frees neither variables, kept tensors, nor a failed gradient's tape. */

/** Run a task to its end, then dispose every tensor and variable that it made; standard error tells of a leak. */
export async function disposingEverything(tf, task) {
  const engine = tf.engine();
  const {numTensors: before, numBytes} = engine.state;
  const kept = [];
  const keep = engine.keep;
  engine.keep = (tensor) => {
    kept.push(tensor);
    return keep.call(engine, tensor);
  };
  engine.startScope();
  try {
    return await task();
  } finally {
    engine.endScope();
    engine.keep = keep;
    for (const tensor of [...kept, ...Object.values(engine.registeredVariables)]) {
      if (!tensor.isDisposed) {
        tensor.dispose();
      }
    }
    if (Number.isNaN(engine.state.numBytes)) {
      // A tensor whose shape holds NaN makes the count NaN for good, also when it is disposed.
      engine.state.numBytes = numBytes;
    }
    const leaked = engine.state.numTensors - before;
    if (leaked !== 0) {
      console.error(`${leaked} tensors were not disposed`);
    }
  }
}
