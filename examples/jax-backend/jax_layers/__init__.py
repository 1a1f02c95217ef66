"""A dozen layers of Keras in JAX: the runtime that `backend` puts to the test."""
