"""What TensorFlow.js 4.22 does otherwise."""

from conformance.dialects.deviation import Dialect

DIALECTS = dict.fromkeys(("tfjs-cpu", "tfjs-wasm"), Dialect())
