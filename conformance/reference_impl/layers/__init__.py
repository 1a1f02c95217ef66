"""The layers of the specification, one class a file."""

from conformance.reference_impl.layers.activation import Activation
from conformance.reference_impl.layers.activity_regularization import ActivityRegularization
from conformance.reference_impl.layers.add import Add
from conformance.reference_impl.layers.alpha_dropout import AlphaDropout
from conformance.reference_impl.layers.average import Average
from conformance.reference_impl.layers.average_pooling1d import AveragePooling1D
from conformance.reference_impl.layers.average_pooling2d import AveragePooling2D
from conformance.reference_impl.layers.average_pooling3d import AveragePooling3D
from conformance.reference_impl.layers.batch_normalization import BatchNormalization
from conformance.reference_impl.layers.bidirectional import Bidirectional
from conformance.reference_impl.layers.category_encoding import CategoryEncoding
from conformance.reference_impl.layers.center_crop import CenterCrop
from conformance.reference_impl.layers.concatenate import Concatenate
from conformance.reference_impl.layers.conv1d import Conv1D
from conformance.reference_impl.layers.conv1d_transpose import Conv1DTranspose
from conformance.reference_impl.layers.conv2d import Conv2D
from conformance.reference_impl.layers.conv2d_transpose import Conv2DTranspose
from conformance.reference_impl.layers.conv3d import Conv3D
from conformance.reference_impl.layers.conv3d_transpose import Conv3DTranspose
from conformance.reference_impl.layers.conv_lstm2d import ConvLSTM2D
from conformance.reference_impl.layers.conv_lstm2d_cell import ConvLSTM2DCell
from conformance.reference_impl.layers.cropping1d import Cropping1D
from conformance.reference_impl.layers.cropping2d import Cropping2D
from conformance.reference_impl.layers.cropping3d import Cropping3D
from conformance.reference_impl.layers.custom_scale_layer import CustomScaleLayer
from conformance.reference_impl.layers.dense import Dense
from conformance.reference_impl.layers.depthwise_conv1d import DepthwiseConv1D
from conformance.reference_impl.layers.depthwise_conv2d import DepthwiseConv2D
from conformance.reference_impl.layers.dot import Dot
from conformance.reference_impl.layers.dropout import Dropout
from conformance.reference_impl.layers.elu import ELU
from conformance.reference_impl.layers.embedding import Embedding
from conformance.reference_impl.layers.flatten import Flatten
from conformance.reference_impl.layers.gaussian_dropout import GaussianDropout
from conformance.reference_impl.layers.gaussian_noise import GaussianNoise
from conformance.reference_impl.layers.global_average_pooling1d import GlobalAveragePooling1D
from conformance.reference_impl.layers.global_average_pooling2d import GlobalAveragePooling2D
from conformance.reference_impl.layers.global_average_pooling3d import GlobalAveragePooling3D
from conformance.reference_impl.layers.global_max_pooling1d import GlobalMaxPooling1D
from conformance.reference_impl.layers.global_max_pooling2d import GlobalMaxPooling2D
from conformance.reference_impl.layers.global_max_pooling3d import GlobalMaxPooling3D
from conformance.reference_impl.layers.group_normalization import GroupNormalization
from conformance.reference_impl.layers.gru import GRU
from conformance.reference_impl.layers.gru_cell import GRUCell
from conformance.reference_impl.layers.identity import Identity
from conformance.reference_impl.layers.input_layer import InputLayer
from conformance.reference_impl.layers.layer import Context, Layer, Result, Weight, get
from conformance.reference_impl.layers.layer_normalization import LayerNormalization
from conformance.reference_impl.layers.layer_scale import LayerScale
from conformance.reference_impl.layers.leaky_relu import LeakyReLU
from conformance.reference_impl.layers.lstm import LSTM
from conformance.reference_impl.layers.lstm_cell import LSTMCell
from conformance.reference_impl.layers.masking import Masking
from conformance.reference_impl.layers.max_pooling1d import MaxPooling1D
from conformance.reference_impl.layers.max_pooling2d import MaxPooling2D
from conformance.reference_impl.layers.max_pooling3d import MaxPooling3D
from conformance.reference_impl.layers.maximum import Maximum
from conformance.reference_impl.layers.minimum import Minimum
from conformance.reference_impl.layers.multiply import Multiply
from conformance.reference_impl.layers.normalization import Normalization
from conformance.reference_impl.layers.permute import Permute
from conformance.reference_impl.layers.prelu import PReLU
from conformance.reference_impl.layers.random_width import RandomWidth
from conformance.reference_impl.layers.relu import ReLU
from conformance.reference_impl.layers.repeat_vector import RepeatVector
from conformance.reference_impl.layers.rescaling import Rescaling
from conformance.reference_impl.layers.reshape import Reshape
from conformance.reference_impl.layers.resizing import Resizing
from conformance.reference_impl.layers.rms_normalization import RMSNormalization
from conformance.reference_impl.layers.rnn import RNN
from conformance.reference_impl.layers.separable_conv1d import SeparableConv1D
from conformance.reference_impl.layers.separable_conv2d import SeparableConv2D
from conformance.reference_impl.layers.simple_rnn import SimpleRNN
from conformance.reference_impl.layers.simple_rnn_cell import SimpleRNNCell
from conformance.reference_impl.layers.softmax import Softmax
from conformance.reference_impl.layers.spatial_dropout1d import SpatialDropout1D
from conformance.reference_impl.layers.spatial_dropout2d import SpatialDropout2D
from conformance.reference_impl.layers.spatial_dropout3d import SpatialDropout3D
from conformance.reference_impl.layers.stacked_rnn_cells import StackedRNNCells
from conformance.reference_impl.layers.subtract import Subtract
from conformance.reference_impl.layers.thresholded_relu import ThresholdedReLU
from conformance.reference_impl.layers.time_distributed import TimeDistributed
from conformance.reference_impl.layers.unit_normalization import UnitNormalization
from conformance.reference_impl.layers.up_sampling1d import UpSampling1D
from conformance.reference_impl.layers.up_sampling2d import UpSampling2D
from conformance.reference_impl.layers.up_sampling3d import UpSampling3D
from conformance.reference_impl.layers.zero_padding1d import ZeroPadding1D
from conformance.reference_impl.layers.zero_padding2d import ZeroPadding2D
from conformance.reference_impl.layers.zero_padding3d import ZeroPadding3D

__all__ = [
    "ELU",
    "GRU",
    "LSTM",
    "RNN",
    "Activation",
    "ActivityRegularization",
    "Add",
    "AlphaDropout",
    "Average",
    "AveragePooling1D",
    "AveragePooling2D",
    "AveragePooling3D",
    "BatchNormalization",
    "Bidirectional",
    "CategoryEncoding",
    "CenterCrop",
    "Concatenate",
    "Context",
    "Conv1D",
    "Conv1DTranspose",
    "Conv2D",
    "Conv2DTranspose",
    "Conv3D",
    "Conv3DTranspose",
    "ConvLSTM2D",
    "ConvLSTM2DCell",
    "Cropping1D",
    "Cropping2D",
    "Cropping3D",
    "CustomScaleLayer",
    "Dense",
    "DepthwiseConv1D",
    "DepthwiseConv2D",
    "Dot",
    "Dropout",
    "Embedding",
    "Flatten",
    "GRUCell",
    "GaussianDropout",
    "GaussianNoise",
    "GlobalAveragePooling1D",
    "GlobalAveragePooling2D",
    "GlobalAveragePooling3D",
    "GlobalMaxPooling1D",
    "GlobalMaxPooling2D",
    "GlobalMaxPooling3D",
    "GroupNormalization",
    "Identity",
    "InputLayer",
    "LSTMCell",
    "Layer",
    "LayerNormalization",
    "LayerScale",
    "LeakyReLU",
    "Masking",
    "MaxPooling1D",
    "MaxPooling2D",
    "MaxPooling3D",
    "Maximum",
    "Minimum",
    "Multiply",
    "Normalization",
    "PReLU",
    "Permute",
    "RMSNormalization",
    "RandomWidth",
    "ReLU",
    "RepeatVector",
    "Rescaling",
    "Reshape",
    "Resizing",
    "Result",
    "SeparableConv1D",
    "SeparableConv2D",
    "SimpleRNN",
    "SimpleRNNCell",
    "Softmax",
    "SpatialDropout1D",
    "SpatialDropout2D",
    "SpatialDropout3D",
    "StackedRNNCells",
    "Subtract",
    "ThresholdedReLU",
    "TimeDistributed",
    "UnitNormalization",
    "UpSampling1D",
    "UpSampling2D",
    "UpSampling3D",
    "Weight",
    "ZeroPadding1D",
    "ZeroPadding2D",
    "ZeroPadding3D",
    "get",
]
