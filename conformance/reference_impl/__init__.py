"""The specification: an executable, differentiable, error-bounded Layers API in float64."""
