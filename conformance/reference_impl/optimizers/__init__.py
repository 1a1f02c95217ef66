"""Optimizers: pure updates of variables and slots from gradients."""

from conformance.reference_impl.optimizers.adadelta import Adadelta
from conformance.reference_impl.optimizers.adafactor import Adafactor
from conformance.reference_impl.optimizers.adagrad import Adagrad
from conformance.reference_impl.optimizers.adam import Adam
from conformance.reference_impl.optimizers.adamax import Adamax
from conformance.reference_impl.optimizers.adamw import AdamW
from conformance.reference_impl.optimizers.ftrl import Ftrl
from conformance.reference_impl.optimizers.lamb import Lamb
from conformance.reference_impl.optimizers.lion import Lion
from conformance.reference_impl.optimizers.loss_scale_optimizer import LossScaleOptimizer
from conformance.reference_impl.optimizers.multi_optimizer import MultiOptimizer, OptimizerMap
from conformance.reference_impl.optimizers.muon import Muon
from conformance.reference_impl.optimizers.nadam import Nadam
from conformance.reference_impl.optimizers.optimizer import (
    Now,
    Optimizer,
    Slot,
    State,
    Update,
    Variables,
    get,
)
from conformance.reference_impl.optimizers.rmsprop import RMSprop
from conformance.reference_impl.optimizers.schedule_free_adamw import ScheduleFreeAdamW
from conformance.reference_impl.optimizers.sgd import SGD

__all__ = [
    "SGD",
    "Adadelta",
    "Adafactor",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Ftrl",
    "Lamb",
    "Lion",
    "LossScaleOptimizer",
    "MultiOptimizer",
    "Muon",
    "Nadam",
    "Now",
    "Optimizer",
    "OptimizerMap",
    "RMSprop",
    "ScheduleFreeAdamW",
    "Slot",
    "State",
    "Update",
    "Variables",
    "get",
]
