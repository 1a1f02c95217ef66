/** Input shapes in which dimensions are unknown (null), for asking a layer which output shapes it infers. */

/** The dimensions that the built layer's own `inputSpec` fixes stay; every other one is unknown. */
function onlyWhatTheLayerFixes(shape, spec) {
  const axes = Object.keys(spec?.axes ?? {}).map(Number);
  const fixed = new Set(axes.map((axis) => (axis + shape.length) % shape.length));
  spec?.shape?.forEach((dimension, axis) => dimension != null && fixed.add(axis));
  return shape.map((dimension, axis) => (fixed.has(axis) ? dimension : null));
}

/** The inputs' shapes: `concrete`, with `unknown_batch`, or with all `unknown` that `builtLayer()` allows. */
export function shapesWithUnknowns(inputs, unknown, builtLayer) {
  // Copies: CategoryEncoding writes its output shape into the one that it is given.
  const shapes = inputs.map(({shape}) => [...shape]);
  switch (unknown) {
    case "concrete":
      return shapes;
    case "unknown_batch":
      return shapes.map(([, ...rest]) => [null, ...rest]);
    case "unknown": {
      const specs = [builtLayer().inputSpec ?? []].flat();
      return shapes.map((shape, i) => onlyWhatTheLayerFixes(shape, specs[i]));
    }
  }
}
