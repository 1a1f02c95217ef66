/** Leaves nothing behind: TensorFlow.js frees neither variables, kept tensors, nor a failed gradient's tape. */

/** Run a task, then dispose every tensor and variable that it made; standard error tells of a leak. */
export function disposingEverything(tf, task) {
  const engine = tf.engine();
  const before = engine.state.numTensors;
  const kept = [];
  const keep = engine.keep;
  engine.keep = (tensor) => {
    kept.push(tensor);
    return keep.call(engine, tensor);
  };
  engine.startScope();
  try {
    return task();
  } finally {
    engine.endScope();
    engine.keep = keep;
    for (const tensor of [...kept, ...Object.values(engine.registeredVariables)]) {
      if (!tensor.isDisposed) {
        tensor.dispose();
      }
    }
    const leaked = engine.state.numTensors - before;
    if (leaked !== 0) {
      console.error(`${leaked} tensors were not disposed`);
    }
  }
}
