/** What the files of a converted model hold. */
import {readFileSync, statSync} from "node:fs";
import path from "node:path";

const CACHE = 4 * 2 ** 20;

const document = (stage, name) =>
  JSON.parse(readFileSync(path.join(stage.models[name].converted, "model.json"), "utf8"));

const sizes = (stage, name) =>
  document(stage, name).weightsManifest.flatMap(({paths}) =>
    paths.map((shard) => statSync(path.join(stage.models[name].converted, shard)).size),
  );

export const topologyAndManifest = (stage) => {
  const {format, modelTopology, weightsManifest} = document(stage, "keras3-h5");
  return {format, topology: modelTopology.class_name, groups: weightsManifest.length};
};

export const weights = (stage) =>
  document(stage, "keras3-h5").weightsManifest.flatMap((group) =>
    group.weights.filter((weight) => weight.group !== "optimizer").map(({name, shape, dtype}) => [name, shape, dtype]),
  );

export const withinACache = (stage) => sizes(stage, "keras3-h5").every((bytes) => bytes <= CACHE);

export const shards = (stage) => sizes(stage, "sharded");

export const inShards = async (stage) => (await stage.load("sharded")).predict(stage.inputs[0]);

export const quantized = async (stage) => {
  const [exact, restored] = [await stage.load("keras3-h5"), await stage.load("quantized")];
  const manifest = document(stage, "quantized").weightsManifest.flatMap((group) => group.weights);
  const declared = new Map(manifest.map((weight) => [weight.name, weight]));
  const unique = (values) => [...new Set(values)];
  const pairs = exact.weights.map((weight, i) => {
    const {quantization} = declared.get(restored.weights[i].originalName);
    return {quantization, exact: weight.read().dataSync(), restored: restored.weights[i].read()};
  });
  return {
    stored: unique(pairs.map(({quantization}) => quantization.dtype)),
    restored: unique(pairs.map((pair) => pair.restored.dtype)),
    "within half a step": pairs.every(({quantization: {scale}, exact, restored}) =>
      // The step itself is rounded, and so is its multiple.
      restored.dataSync().every((x, i) => Math.abs(x - exact[i]) <= (scale / 2) * (1 + 1e-3)),
    ),
  };
};
