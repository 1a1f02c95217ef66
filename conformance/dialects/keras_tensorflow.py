"""What Keras 3.15 on TensorFlow 2.21 does otherwise."""

from conformance.dialects.deviation import Dialect

DIALECTS = dict.fromkeys(("keras-tensorflow", "keras-tensorflow-onednn"), Dialect())
