"""Saved models: the file formats of Keras 2, Keras 3 and TensorFlow.js, without any of these libraries."""
