"""Training in the specification: compile, fit, evaluate, predict, callbacks."""

from conformance.reference_impl.training.callbacks import (
    Callback,
    CSVLogger,
    EarlyStopping,
    History,
    LambdaCallback,
    LearningRateScheduler,
    ModelCheckpoint,
    ReduceLROnPlateau,
    TerminateOnNaN,
)
from conformance.reference_impl.training.compiled import Compiled
from conformance.reference_impl.training.saved import restored, saved
from conformance.reference_impl.training.weights import initial_weights

__all__ = [
    "CSVLogger",
    "Callback",
    "Compiled",
    "EarlyStopping",
    "History",
    "LambdaCallback",
    "LearningRateScheduler",
    "ModelCheckpoint",
    "ReduceLROnPlateau",
    "TerminateOnNaN",
    "initial_weights",
    "restored",
    "saved",
]
