/** One case put to TensorFlow.js: every observable that is asked gives a value or a failure of its own. */
import {callAgain} from "./again.mjs";
import {Failure, attempt, classified, once} from "./failures.mjs";
import {vjp} from "./gradients.mjs";
import {BuiltLayer, apply, isCell} from "./layer.mjs";
import {leaks} from "./leaks.mjs";
import {disposingEverything} from "./memory.mjs";
import {METHODS, members} from "./methods.mjs";
import {configToKeras} from "./naming.mjs";
import {told, updated} from "./optimizers.mjs";
import {tensorOf, wireJSON, wireTensor} from "./protocol.mjs";
import {drawn, seeded, seeds} from "./randomness.mjs";
import {shapesWithUnknowns} from "./shapes.mjs";
import {signature} from "./signature.mjs";

/** The answers to one case; what several observables need is computed once, when the first is asked. */
class Answers {
  constructor(tf, subject, asked) {
    this.tf = tf;
    this.subject = subject;
    this.asked = asked;
    const all = (wires, what) => wires.map((wire, i) => tensorOf(tf, wire, `${what} ${i}`));
    this.inputs = once("call", () => all(asked.inputs, "input"));
    this.cotangents = once("gradient", () => all(asked.cotangents, "cotangent"));
    this.arguments = once("call", () => ({
      masks: all(asked.masks, "mask"),
      initialState: all(asked.initial_state, "initial state"),
    }));
    this.weights = once("build", () =>
      Object.fromEntries(
        Object.entries(asked.weights).map(([name, wire]) => [name, tensorOf(tf, wire, `weight ${name}`)]),
      ),
    );
    this.layer = once("construction", () => subject.create(asked.config));
    this.used = once("call", () => this.firstCall());
    this.config = once("config", () => configToKeras(this.layer().getConfig(), this.layer().getClassName()));
    this.built = once("build", () => new BuiltLayer(tf, this.layer(), this.inputs()));
    this.ready = once("build", () => this.built().assign(this.weights()));
    this.outputs = once("call", () => this.ready().call(this.arguments()));
    this.anotherLayer = once("construction", () => subject.create(asked.config));
    this.another = once("build", () =>
      new BuiltLayer(tf, this.anotherLayer(), this.inputs()).assign(this.weights()),
    );
    this.outputsAgain = once("call", () => callAgain(tf, this.another(), this.arguments()));
    this.masks = once("call", () => this.ready().outputMasks(this.arguments()));
    this.training = once("call", () => this.ready().callInTraining(this.arguments(), this.weights()));
    this.gradients = {
      inference: once("gradient", () => this.allGradients("gradient/", false)),
      training: once("gradient", () => this.allGradients("training/gradient/", true)),
    };
    this.updated = once("call", () => updated(tf, subject, asked));
    this.recreated = once("reconstruction", () => subject.recreate(this.layer()));
    this.recreatedReady = once("build", () =>
      new BuiltLayer(tf, this.recreated(), this.inputs()).assign(this.weights()),
    );
    this.recreatedOutputs = once("call", () => this.recreatedReady().call(this.arguments()));
  }

  /** The vjp by every input and weight that the case asks for: name → tensor or failure. */
  allGradients(prefix, training) {
    // What already fails without a tape is a failure of the call.
    (training ? this.training : this.outputs)();
    const names = this.asked.observables
      .filter((observable) => observable.startsWith(prefix))
      .map((observable) => observable.slice(prefix.length));
    return vjp(this.tf, this.ready(), names, {
      call: () => this.ready().call({...this.arguments(), training}),
      restore: () => this.ready().assign(this.weights()),
      cotangents: this.cotangents(),
    });
  }

  gradient(mode, name) {
    const answer = this.gradients[mode]()[name];
    if (answer instanceof Failure) {
      throw answer;
    }
    return wireTensor(answer);
  }

  drawn() {
    this.training(); // what already fails without a tape is a failure of the call
    const ask = {restore: () => this.ready().assign(this.weights()), cotangents: this.cotangents()};
    return attempt("call", () => wireTensor(drawn(this.tf, this.ready(), this.arguments(), ask)));
  }

  seeds() {
    const make = (config) => {
      const layer = attempt("construction", () => this.subject.create(config));
      const built = new BuiltLayer(this.tf, layer, this.inputs()).assign(this.weights());
      return () => built.call({...this.arguments(), training: true})[0];
    };
    return attempt("call", () => wireJSON(seeds(make, this.asked.config)));
  }

  method(name) {
    const layer = ["get_weights", "set_weights", "reset_state"].includes(name) ? this.ready() : this.built();
    return attempt("call", () => wireJSON(METHODS[name](this.tf, layer, this.weights)));
  }

  leaks() {
    this.layer(); // that it cannot be made is a failure of its own
    const given = {inputs: this.inputs(), cotangents: this.cotangents(), ...this.arguments()};
    return attempt("call", () => wireJSON(leaks(this.tf, () => this.subject.create(this.asked.config), given)));
  }

  /** A layer after its first call, which builds it, but for a cell: that is built by the layer around it. */
  firstCall() {
    const layer = attempt("construction", () => this.subject.create(this.asked.config));
    if (isCell(layer)) {
      new BuiltLayer(this.tf, layer, this.inputs());
    }
    if (this.inputs().length > 0) {
      apply(layer, this.inputs(), this.arguments());
    }
    return layer;
  }

  /**
   * Nothing, where the first call goes well or, `widened`, a second one with inputs twice as wide; of what is no
   * layer, and not made into one, the one use that it has.
   */
  refusal(widened) {
    if (this.subject.use) {
      this.subject.use(this.asked);
      return wireJSON(null);
    }
    const layer = this.used();
    if (widened) {
      const twice = this.inputs().map((x) => this.tf.concat([x, x], x.rank - 1));
      apply(layer, twice, this.arguments());
    }
    return wireJSON(null);
  }

  inferredShapes(unknown) {
    const layer = this.layer();
    const shapes = shapesWithUnknowns(this.inputs(), unknown, () => this.built().layer);
    return attempt("shape", () => {
      const inferred = layer.computeOutputShape(shapes.length === 1 ? shapes[0] : shapes);
      return wireJSON(Array.isArray(inferred[0]) ? inferred : [inferred]);
    });
  }
}

function output(outputs, index) {
  const found = outputs[Number(index)];
  if (found === undefined) {
    throw new Failure("invalid-argument", "call", `no output ${index}: the layer has ${outputs.length}`);
  }
  return wireTensor(found);
}

function outputMask(masks, index) {
  const mask = masks[Number(index)];
  return mask == null ? wireJSON(null) : wireTensor(mask);
}

function trainingState(state, name) {
  if (!(name in state)) {
    const known = Object.keys(state).join(", ") || "none";
    throw new Failure("invalid-argument", "call", `no non-trainable weight ${name}; there are: ${known}`);
  }
  return state[name];
}

/** How each observable of `protocol.OBSERVABLES` is answered; the pattern's group is the part in braces. */
const OBSERVABLES = [
  [/^output\/(\d+)$/, (answers, index) => output(answers.outputs(), index)],
  [/^again\/output\/(\d+)$/, (answers, index) => output(answers.outputsAgain(), index)],
  [/^training\/output\/(\d+)$/, (answers, index) => output(answers.training().outputs, index)],
  [/^training\/state\/(.+)$/, (answers, name) => trainingState(answers.training().state, name)],
  [/^gradient\/(.+)$/, (answers, name) => answers.gradient("inference", name)],
  [/^training\/gradient\/(.+)$/, (answers, name) => answers.gradient("training", name)],
  [/^random$/, (answers) => answers.drawn()],
  [/^drawn$/, (answers) => output(answers.outputs(), 0)],
  [/^seeds$/, (answers) => answers.seeds()],
  [/^shape\/(concrete|unknown_batch|unknown)$/, (answers, unknown) => answers.inferredShapes(unknown)],
  [/^dtype$/, (answers) => wireJSON(answers.outputs().map(({dtype}) => dtype))],
  [/^mask\/(\d+)$/, (answers, index) => outputMask(answers.masks(), index)],
  [/^weights$/, (answers) => wireJSON(answers.built().describeWeights())],
  [/^memory$/, (answers) => answers.leaks()],
  [/^refusal(\/widened)?$/, (answers, widened) => answers.refusal(widened)],
  [/^config$/, (answers) => wireJSON(answers.config())],
  [/^reconstructed\/config$/, (answers) => wireJSON(configToKeras(answers.recreated().getConfig(), answers.recreated().getClassName()))],
  [/^reconstructed\/output\/(\d+)$/, (answers, index) => output(answers.recreatedOutputs(), index)],
  [/^methods$/, (answers) => wireJSON(members(answers.layer()))],
  [/^method\/(.+)$/, (answers, name) => answers.method(name)],
  [/^signature$/, ({subject, asked}) => wireJSON(signature(subject, asked.config))],
  [/^(update\/.+|slot\/.+)$/, async (answers, name) => told(await answers.updated(), name)],
  [/^result\/0$/, ({subject, asked}) => wireTensor(subject.measured(asked))],
  [/^identifier$/, ({subject, asked}) => wireJSON(subject.resolve(asked.config))],
];

/** The answer, or a promise of it. */
function answer(answers, observable) {
  for (const [pattern, respond] of OBSERVABLES) {
    const match = pattern.exec(observable);
    if (match) {
      return respond(answers, match[1]);
    }
  }
  throw new Failure("not-implemented", "call", `unknown observable ${observable}`);
}

/** A promise of the `observables` of the protocol's observation of one case. */
export function observe(tf, subjects, asked) {
  const subject = subjects.get(asked.subject);
  const answered = async () => {
    const answers = new Answers(tf, subject, asked);
    const found = {};
    for (const observable of asked.observables) {
      try {
        if (subject === undefined) {
          throw new Failure("not-implemented", "construction", `TensorFlow.js has no ${asked.subject}`);
        }
        found[observable] = await answer(answers, observable);
      } catch (error) {
        found[observable] = classified(error, "call").toWire();
      }
    }
    return found;
  };
  return disposingEverything(tf, () => seeded(asked.seed, answered));
}
