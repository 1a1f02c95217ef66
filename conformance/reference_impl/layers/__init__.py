"""The layers of the specification, one class a file."""

from conformance.reference_impl.layers.activation import Activation
from conformance.reference_impl.layers.activity_regularization import ActivityRegularization
from conformance.reference_impl.layers.add import Add
from conformance.reference_impl.layers.alpha_dropout import AlphaDropout
from conformance.reference_impl.layers.average import Average
from conformance.reference_impl.layers.batch_normalization import BatchNormalization
from conformance.reference_impl.layers.concatenate import Concatenate
from conformance.reference_impl.layers.conv2d import Conv2D
from conformance.reference_impl.layers.dense import Dense
from conformance.reference_impl.layers.dot import Dot
from conformance.reference_impl.layers.dropout import Dropout
from conformance.reference_impl.layers.embedding import Embedding
from conformance.reference_impl.layers.flatten import Flatten
from conformance.reference_impl.layers.gaussian_dropout import GaussianDropout
from conformance.reference_impl.layers.gaussian_noise import GaussianNoise
from conformance.reference_impl.layers.identity import Identity
from conformance.reference_impl.layers.layer import Context, Layer, Result, Weight, get
from conformance.reference_impl.layers.lstm import LSTM
from conformance.reference_impl.layers.masking import Masking
from conformance.reference_impl.layers.maximum import Maximum
from conformance.reference_impl.layers.minimum import Minimum
from conformance.reference_impl.layers.multiply import Multiply
from conformance.reference_impl.layers.permute import Permute
from conformance.reference_impl.layers.repeat_vector import RepeatVector
from conformance.reference_impl.layers.reshape import Reshape
from conformance.reference_impl.layers.softmax import Softmax
from conformance.reference_impl.layers.spatial_dropout1d import SpatialDropout1D
from conformance.reference_impl.layers.spatial_dropout2d import SpatialDropout2D
from conformance.reference_impl.layers.spatial_dropout3d import SpatialDropout3D
from conformance.reference_impl.layers.subtract import Subtract

__all__ = [
    "LSTM", "Activation", "ActivityRegularization", "Add", "AlphaDropout", "Average",
    "BatchNormalization", "Concatenate", "Context", "Conv2D", "Dense", "Dot", "Dropout", "Embedding",
    "Flatten", "GaussianDropout", "GaussianNoise", "Identity", "Layer", "Masking", "Maximum", "Minimum",
    "Multiply", "Permute", "RepeatVector", "Reshape", "Result", "Softmax", "SpatialDropout1D",
    "SpatialDropout2D", "SpatialDropout3D", "Subtract", "Weight", "get",
]  # fmt: skip
