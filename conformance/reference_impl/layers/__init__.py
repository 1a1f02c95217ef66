"""The layers of the specification, one class a file."""

from conformance.reference_impl.layers.activation import Activation
from conformance.reference_impl.layers.batch_normalization import BatchNormalization
from conformance.reference_impl.layers.concatenate import Concatenate
from conformance.reference_impl.layers.conv1d import Conv1D
from conformance.reference_impl.layers.conv1d_transpose import Conv1DTranspose
from conformance.reference_impl.layers.conv2d import Conv2D
from conformance.reference_impl.layers.conv2d_transpose import Conv2DTranspose
from conformance.reference_impl.layers.conv3d import Conv3D
from conformance.reference_impl.layers.conv3d_transpose import Conv3DTranspose
from conformance.reference_impl.layers.dense import Dense
from conformance.reference_impl.layers.depthwise_conv1d import DepthwiseConv1D
from conformance.reference_impl.layers.depthwise_conv2d import DepthwiseConv2D
from conformance.reference_impl.layers.embedding import Embedding
from conformance.reference_impl.layers.flatten import Flatten
from conformance.reference_impl.layers.layer import Context, Layer, Result, Weight, get
from conformance.reference_impl.layers.lstm import LSTM
from conformance.reference_impl.layers.separable_conv1d import SeparableConv1D
from conformance.reference_impl.layers.separable_conv2d import SeparableConv2D
from conformance.reference_impl.layers.softmax import Softmax

__all__ = [
    "LSTM", "Activation", "BatchNormalization", "Concatenate", "Context", "Conv1D", "Conv1DTranspose",
    "Conv2D", "Conv2DTranspose", "Conv3D", "Conv3DTranspose", "Dense", "DepthwiseConv1D", "DepthwiseConv2D",
    "Embedding", "Flatten", "Layer", "Result", "SeparableConv1D", "SeparableConv2D", "Softmax", "Weight",
    "get",
]  # fmt: skip
