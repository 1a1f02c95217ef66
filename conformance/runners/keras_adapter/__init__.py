"""The program that answers the protocol for Python Keras on TensorFlow: `python` and the path of this folder.

It also runs where neither the suite nor anything that the suite needs is installed: beside Keras, TensorFlow
and NumPy it imports only the standard library.
"""
