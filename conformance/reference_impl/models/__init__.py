"""Sequential and functional models of the specification."""
