/** What a thrown error means: the protocol's error kinds, read from TensorFlow.js's classes and messages. */

/** An error with its protocol kind and the place where it came up. */
export class Failure extends Error {
  constructor(kind, at, message) {
    super(message);
    this.kind = kind;
    this.at = at;
  }

  toWire() {
    return {type: "error", kind: this.kind, at: this.at, message: this.message};
  }
}

/**
 * First match decides. TensorFlow.js throws plain `Error` from `util.assert` and on purpose; what V8 throws
 * by itself is a TypeError, RangeError or the like with a message of V8's own.
 */
const KINDS = [
  ["missing-kernel", /Kernel '.*' not registered|gradient function not found/],
  ["missing-kernel", /Cannot (compute gradient|backprop)/],
  ["not-implemented", /not (yet )?(implemented|supported)|NotImplementedError|does not support/i],
  ["internal", /Error in gradient for op/],
  ["internal", /^TypeError: .*(Cannot (read|set)|is not (a function|iterable|a constructor)|undefined|null)/],
  ["type", /^TypeError/],
  ["internal", /^WebAssembly\.RuntimeError/],
  ["invalid-argument", /^(ValueError|AssertionError|AttributeError|RuntimeError|IndexError|Error):/],
];

/** How many traps of WebAssembly there have been: whoever has seen one more starts the backend anew. */
export const traps = {count: 0};

/** The failure that an error thrown at `at` amounts to; one that is classified already stays as it is. */
export function classified(error, at) {
  if (error instanceof Failure) {
    return error;
  }
  const message = String(error?.message ?? error);
  const trapped = error instanceof WebAssembly.RuntimeError;
  traps.count += trapped;
  const text = `${trapped ? "WebAssembly." : ""}${error?.constructor?.name}: ${message}`;
  const [kind] = KINDS.find(([, pattern]) => pattern.test(text)) ?? ["internal"];
  return new Failure(kind, at, message.split("\n")[0]);
}

/** Compute, and turn what is thrown into a failure at `at`. */
export function attempt(at, compute) {
  try {
    return compute();
  } catch (error) {
    throw classified(error, at);
  }
}

/** A function that computes on its first call, and then gives the same value, or throws the same failure. */
export function once(at, compute) {
  let outcome;
  return () => {
    if (outcome === undefined) {
      try {
        outcome = {value: attempt(at, compute)};
      } catch (failure) {
        outcome = {failure};
      }
    }
    if (outcome.failure) {
      throw outcome.failure;
    }
    return outcome.value;
  };
}
