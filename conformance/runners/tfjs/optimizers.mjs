/** Optimizers asked of TensorFlow.js: one update of variables, from gradients and slots that the case gives. */
import {Failure, attempt, classified} from "./failures.mjs";
import {OPTIMIZERS} from "./naming.mjs";
import {tensorOf, wireTensor} from "./protocol.mjs";

export class OptimizerSubject {
  observables = ["update/*", "slot/*", "config", "reconstructed/config", "refusal"];

  constructor(tf, name) {
    this.tf = tf;
    this.name = name;
  }

  /** What there is to know of the optimizer of a configuration: an SGD with momentum is a class of its own. */
  entry({momentum}) {
    return OPTIMIZERS[this.name === "SGD" && momentum ? "Momentum" : this.name];
  }

  /** The optimizer, made by the function of `tf.train` that users call. */
  create(config) {
    const {factory, arguments: names} = this.entry(config);
    const schedules = Object.keys(config).filter((name) => config[name] !== null && typeof config[name] === "object");
    const unknown = Object.keys(config).filter((name) => !names.includes(name) && config[name]);
    const others = [...unknown, ...schedules.map((name) => `schedule as ${name}`)];
    if (others.length > 0) {
      throw new Failure(
        "not-implemented",
        "construction",
        `tf.train.${factory} of TensorFlow.js takes no ${others.join(", ")}`,
      );
    }
    const given = names.map((name) => config[name] ?? undefined);
    return attempt("construction", () => this.tf.train[factory](...given));
  }

  /** The optimizer that its configuration makes. */
  recreate(optimizer) {
    return optimizer.constructor.fromConfig(optimizer.constructor, optimizer.getConfig());
  }

  /** One update; throws where the optimizer cannot be made, or takes other gradients. */
  use(asked) {
    applied(this.tf, this.create(asked.config), asked);
  }
}

/** The tensors of a kind, `variable`, `gradient` or `slot`, by what is behind it in their names. */
const tensors = (tf, asked, kind) =>
  Object.fromEntries(
    Object.entries(asked.weights)
      .filter(([name]) => name.startsWith(`${kind}/`))
      .map(([name, wire]) => [name.slice(kind.length + 1), tensorOf(tf, wire, name)]),
  );

/** The variables by path, after the optimizer was applied to their gradients. */
function applied(tf, optimizer, asked) {
  const gradients = tensors(tf, asked, "gradient");
  const start = Object.entries(tensors(tf, asked, "variable"));
  const variables = Object.fromEntries(start.map(([path, x]) => [path, tf.variable(x, true, path)]));
  optimizer.applyGradients(start.map(([path]) => ({name: path, tensor: gradients[path]})));
  return variables;
}

/** The slots of the class that this optimizer has: those for centring only if it is centred. */
export const slotsOf = ({slots}, {centered}) => slots.filter((slot) => slot !== "average_gradient" || centered);

/** Whether an optimizer that has made no update has these slots: then they need not be set. */
function initial(slots, config) {
  const {iteration, ...others} = slots;
  const value = config.initial_accumulator_value ?? 0.1;
  return (
    iteration.dataSync()[0] === 0 &&
    Object.entries(others).every(([key, tensor]) => {
      const start = key.endsWith("/accumulator") ? Math.fround(value) : 0;
      return !key.includes("/") || tensor.dataSync().every((x) => x === start);
    })
  );
}

/**
 * A promise of the variables and slots after an update, as `update/NAME` and `slot/NAME/SLOT`; in place of the
 * slots a failure, where they cannot be had.
 */
export async function updated(tf, subject, asked) {
  const optimizer = subject.create(asked.config);
  const names = slotsOf(subject.entry(asked.config), asked.config);
  const slots = tensors(tf, asked, "slot");
  const start = tensors(tf, asked, "variable");
  const paths = Object.keys(start);
  if (!initial(slots, asked.config)) {
    const weights = names.flatMap((slot) =>
      paths.map((path) => {
        // It has a momentum also where it makes no use of it.
        const tensor = slots[`${path}/${slot}`] ?? tf.zerosLike(start[path]);
        return {name: `${path}/${slot}`, tensor};
      }),
    );
    await optimizer.setWeights([{name: "iter", tensor: slots.iteration}, ...weights]);
  }
  const variables = applied(tf, optimizer, asked);
  const found = Object.fromEntries(paths.map((path) => [`update/${path}`, variables[path]]));
  try {
    const [, ...after] = await optimizer.getWeights();
    for (const [i, slot] of names.entries()) {
      paths.forEach((path, j) => {
        found[`slot/${path}/${slot}`] = after[i * paths.length + j].tensor;
      });
    }
    return {found};
  } catch (error) {
    return {found, failure: classified(error, "call")};
  }
}

/** What was asked of an update. */
export function told({found, failure}, name) {
  if (name in found) {
    return wireTensor(found[name]);
  }
  throw failure ?? new Failure("invalid-argument", "call", `the optimizer has no ${name}`);
}
