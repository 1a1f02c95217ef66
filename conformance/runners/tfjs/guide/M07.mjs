/** A layer by itself, on a concrete tensor. */

export const output = async (stage) => (await stage.run("activation", "o")).o;
