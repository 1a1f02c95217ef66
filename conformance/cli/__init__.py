"""The command `conformance`: what users ask of the suite, a verb each."""

from conformance.cli import backends, certificates, exploring, models, results, runs  # noqa: F401  # their verbs join the group
from conformance.cli.group import main

__all__ = ["main"]
