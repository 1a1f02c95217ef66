"""Dialects in which nothing is recorded: what deviates as recorded is a finding under them."""

from conformance.dialects import BUILT_IN
from conformance.dialects.deviation import Dialect

DIALECTS = {name: Dialect() for name in BUILT_IN}
