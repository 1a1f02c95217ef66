"""Real models, carried from Keras into TensorFlow.js and checked there."""
