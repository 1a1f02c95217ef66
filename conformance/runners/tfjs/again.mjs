/** A call of a layer after others, which may have left a trace. */

/**
 * Of an input's rank, the axes along which it is made longer: the batch; all but the last, or but the second,
 * where channels may be.
 */
const LONGER = [
  () => [0],
  (rank) => [...Array(rank).keys()].slice(0, -1),
  (rank) => [...Array(rank).keys()].filter((axis) => axis !== 1),
];

/** The tensor followed by itself along each of the axes that it has. */
function doubled(tf, tensor, axes) {
  return axes.filter((axis) => axis < tensor.rank).reduce((x, axis) => tf.concat([x, x], axis), tensor);
}

/** Inputs, masks and initial states twice as long along some axes; a layer may refuse some of them. */
function ofOtherSizes(tf, inputs, {masks, initialState}) {
  return LONGER.map((longer) => {
    const axes = inputs.map(({rank}) => longer(rank));
    return {
      inputs: inputs.map((x, i) => doubled(tf, x, axes[i])),
      masks: masks.map((mask, i) => doubled(tf, mask, axes[i])),
      initialState: initialState.map((state) => doubled(tf, state, [0])),
    };
  });
}

/** The outputs of a call after others: after one, where the layer is stateful, else after some of other sizes. */
export function callAgain(tf, built, given) {
  if (built.layer.stateful) {
    built.call(given);
  } else {
    for (const other of ofOtherSizes(tf, built.inputs, given)) {
      try {
        built.call(other);
      } catch {
        // What it refuses must leave no trace either.
      }
    }
  }
  return built.call({...given, follows: true});
}
