/** Factories, not constructors. */

/** The registered layers without a factory of their name, but for case. */
export function withoutFactory({tf}) {
  const factories = new Set(Object.keys(tf.layers).map((name) => name.toLowerCase()));
  const classes = Object.entries(tf.serialization.SerializationMap.getMap().classNameMap);
  return classes
    .filter(([, [constructor]]) => constructor.prototype instanceof tf.layers.Layer)
    .filter(([, [constructor]]) => !(constructor.prototype instanceof tf.LayersModel || constructor === tf.LayersModel))
    .map(([name]) => name)
    .filter((name) => !factories.has(name.toLowerCase()))
    .sort();
}

export const lowerCamelCase = ({tf}) => {
  const made = {sequential: tf.sequential(), batchNormalization: tf.layers.batchNormalization({axis: 1})};
  return Object.fromEntries(Object.entries(made).map(([name, value]) => [name, value.getClassName()]));
};
