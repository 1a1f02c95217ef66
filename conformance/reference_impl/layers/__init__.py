"""The layers of the specification, one class a file."""

from conformance.reference_impl.layers.activation import Activation
from conformance.reference_impl.layers.batch_normalization import BatchNormalization
from conformance.reference_impl.layers.category_encoding import CategoryEncoding
from conformance.reference_impl.layers.center_crop import CenterCrop
from conformance.reference_impl.layers.concatenate import Concatenate
from conformance.reference_impl.layers.conv2d import Conv2D
from conformance.reference_impl.layers.dense import Dense
from conformance.reference_impl.layers.elu import ELU
from conformance.reference_impl.layers.embedding import Embedding
from conformance.reference_impl.layers.flatten import Flatten
from conformance.reference_impl.layers.group_normalization import GroupNormalization
from conformance.reference_impl.layers.layer import Context, Layer, Result, Weight, get
from conformance.reference_impl.layers.layer_normalization import LayerNormalization
from conformance.reference_impl.layers.leaky_relu import LeakyReLU
from conformance.reference_impl.layers.lstm import LSTM
from conformance.reference_impl.layers.prelu import PReLU
from conformance.reference_impl.layers.relu import ReLU
from conformance.reference_impl.layers.rescaling import Rescaling
from conformance.reference_impl.layers.resizing import Resizing
from conformance.reference_impl.layers.rms_normalization import RMSNormalization
from conformance.reference_impl.layers.softmax import Softmax
from conformance.reference_impl.layers.thresholded_relu import ThresholdedReLU
from conformance.reference_impl.layers.unit_normalization import UnitNormalization

__all__ = [
    "ELU", "LSTM", "Activation", "BatchNormalization", "CategoryEncoding", "CenterCrop", "Concatenate",
    "Context", "Conv2D", "Dense", "Embedding", "Flatten", "GroupNormalization", "Layer",
    "LayerNormalization", "LeakyReLU", "PReLU", "RMSNormalization", "ReLU", "Rescaling", "Resizing",
    "Result", "Softmax", "ThresholdedReLU", "UnitNormalization", "Weight", "get",
]  # fmt: skip
