"""Model configurations between the form of Keras 3 and those of Keras 2 and TensorFlow.js."""

from conformance.reference_impl.saving.configuration.legacy import Untranslatable, legacy
from conformance.reference_impl.saving.configuration.modern import modern

__all__ = ["Untranslatable", "legacy", "modern"]
