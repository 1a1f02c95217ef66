/** The same model of operations alone. */

async function built(stage) {
  const {model, w1, b1, w2, b2} = await stage.run("core", "model", "w1", "b1", "w2", "b2");
  const variables = [w1, b1, w2, b2];
  variables.forEach((variable, i) => variable.assign(stage.inputs[i + 1]));
  return {model, variables};
}

export const prediction = async (stage) => (await built(stage)).model(stage.inputs[0]);

export const trainable = async (stage) => (await built(stage)).variables.map(({trainable}) => trainable);

/** The shapes of the gradients by each weight. */
export const gradients = async (stage) => {
  const {model, variables} = await built(stage);
  const {grads} = stage.tf.variableGrads(() => model(stage.inputs[0]).square().mean(), variables);
  return variables.map(({name}) => grads[name].shape);
};

export const serialization = async (stage) => "save" in (await built(stage)).model;
