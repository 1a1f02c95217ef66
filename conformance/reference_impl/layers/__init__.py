"""The layers of the specification, one class a file."""

from conformance.reference_impl.layers.activation import Activation
from conformance.reference_impl.layers.add import Add
from conformance.reference_impl.layers.average import Average
from conformance.reference_impl.layers.batch_normalization import BatchNormalization
from conformance.reference_impl.layers.concatenate import Concatenate
from conformance.reference_impl.layers.conv2d import Conv2D
from conformance.reference_impl.layers.dense import Dense
from conformance.reference_impl.layers.dot import Dot
from conformance.reference_impl.layers.embedding import Embedding
from conformance.reference_impl.layers.flatten import Flatten
from conformance.reference_impl.layers.layer import Context, Layer, Result, Weight, get
from conformance.reference_impl.layers.lstm import LSTM
from conformance.reference_impl.layers.maximum import Maximum
from conformance.reference_impl.layers.minimum import Minimum
from conformance.reference_impl.layers.multiply import Multiply
from conformance.reference_impl.layers.softmax import Softmax
from conformance.reference_impl.layers.subtract import Subtract

__all__ = [
    "LSTM", "Activation", "Add", "Average", "BatchNormalization", "Concatenate", "Context", "Conv2D",
    "Dense", "Dot", "Embedding", "Flatten", "Layer", "Maximum", "Minimum", "Multiply", "Result",
    "Softmax", "Subtract", "Weight", "get",
]  # fmt: skip
