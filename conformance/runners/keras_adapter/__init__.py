"""The program that answers the protocol for Python Keras on TensorFlow: `python -m` this package."""
