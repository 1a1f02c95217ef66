"""The specification's layers in float32 beside Keras on TensorFlow and Keras on NumPy.

Each side computes the same workloads in a process of its own, with the same number of threads, and all sides
in turn, again and again; what is judged are the medians of the ratios. Besides: the memory that Conv2D takes,
what bounds cost on top, and what a case of the corpus costs with bounds and gradients.
"""
