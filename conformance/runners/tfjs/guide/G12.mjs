/** What is saved comes back, whatever keeps it. */
import http from "node:http";

function small({tf}) {
  const layers = [
    tf.layers.dense({units: 3, inputShape: [4], activation: "relu"}),
    tf.layers.batchNormalization(),
    tf.layers.dense({units: 2}),
  ];
  return tf.sequential({layers});
}

const bits = (model) => model.getWeights().map((x) => Buffer.from(x.dataSync().slice().buffer).toString("hex"));

const same = (before, after) => ({
  configuration: JSON.stringify(before.toJSON(null, false)) === JSON.stringify(after.toJSON(null, false)),
  weights: bits(before).join() === bits(after).join(),
});

export async function memory(stage) {
  const {tf} = stage;
  const before = small(stage);
  let kept;
  const keep = async (artifacts) => {
    kept = artifacts;
    return {modelArtifactsInfo: tf.io.getModelArtifactsInfoForJSON(artifacts)};
  };
  await before.save(tf.io.withSaveHandler(keep));
  return same(before, await tf.loadLayersModel(tf.io.fromMemory(kept)));
}

/** The files of a form that was sent, by name. */
function sent(request, body) {
  const boundary = `--${/boundary=(.+)$/.exec(request.headers["content-type"])[1]}`;
  const parts = body.toString("latin1").split(boundary).slice(1, -1);
  return Object.fromEntries(
    parts.map((part) => {
      const end = part.indexOf("\r\n\r\n");
      const [, name] = /filename="([^"]+)"/.exec(part.slice(0, end));
      return [name, Buffer.from(part.slice(end + 4, -2), "latin1")];
    }),
  );
}

async function http_(stage) {
  const before = small(stage);
  let files = {};
  const server = http.createServer(async (request, response) => {
    if (request.method === "POST") {
      const chunks = [];
      for await (const chunk of request) {
        chunks.push(chunk);
      }
      files = sent(request, Buffer.concat(chunks));
      response.end();
    } else {
      response.end(files[request.url.slice(1)]);
    }
  });
  const address = await stage.listen(server);
  await before.save(`${address}/upload`);
  return same(before, await stage.tf.loadLayersModel(`${address}/model.json`));
}
export {http_ as http};

export const file = (stage) =>
  small(stage)
    .save("file:///model")
    .then(String, (error) => error.message);
