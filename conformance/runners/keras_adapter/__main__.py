"""Find the package that this file is in, whether or not it is installed in this Python, and serve."""

from __future__ import annotations

import argparse
import importlib
import sys
from functools import partial
from pathlib import Path

if sys.version_info < (3, 10):  # noqa: UP036 - the suite's own minimum does not bind the user's Python
    raise SystemExit(f"the Keras adapter needs Python 3.10 or later; this is {sys.version.split()[0]}")

# Python looks for modules first in this folder; for one import it looks in that of the package instead. From
# then on neither can hide a module of the environment.
sys.path[0] = str(Path(__file__).resolve().parents[3])
importlib.import_module("conformance")
del sys.path[0]

from conformance.runners.keras_adapter.messages import serve  # noqa: E402
from conformance.runners.keras_adapter.session import inspect, observe, start  # noqa: E402

parser = argparse.ArgumentParser("keras_adapter")
parser.add_argument("--build", help="what the identity's settings say of a Keras that is not the suite's")
serve(partial(start, build=parser.parse_args().build), observe, inspect)
