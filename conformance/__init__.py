"""Says, with evidence, whether the runtimes of the Keras Layers API compute the same thing."""

__version__ = "0.1.0"
