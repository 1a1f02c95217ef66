"""What a backend promises of floating point, from which every limit is derived."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from conformance.reference_impl.arrays import xp

OPENCL_FULL_PROFILE = {
    "exp": 3.0, "expm1": 3.0, "log": 3.0, "log1p": 2.0, "pow": 16.0, "rsqrt": 2.0,
    "erf": 16.0, "sinh": 4.0, "cosh": 4.0, "tanh": 5.0, "sin": 4.0, "cos": 4.0,
}  # fmt: skip
"""ULPs of single-precision functions: The OpenCL C 3.0 Specification, section 7.4, full profile."""

CORRECTLY_ROUNDED = {"divide": 0.5, "sqrt": 0.5}
"""IEEE 754-2019, section 5.4.1: division and square root are correctly rounded."""

ALGORITHMS = {
    "variance": ("two-pass", "one-pass"),
    "batch_normalization": ("centred", "folded"),
    "elu": ("expm1", "exp-1"),
    "selu": ("expm1", "exp-1"),
    "celu": ("expm1", "exp-1"),
    "dot": ("direct", "winograd"),
}
"""Where published algorithms differ by more than a constant: for each computation its classes, the
tightest first, which is the default.

- `centred` is (x − μ)·(γ/σ) + β, `folded` is x·(γ/σ) + (β − μ·(γ/σ)), which cancels when |μ| ≫ σ.
- `one-pass` variance is E[x²] − E[x]². `exp-1` computes eˣ − 1 for expm1(x).
- Only `direct` dot products are exact on integers.
"""


@dataclass(frozen=True)
class Arithmetic:
    """The rules that bound how far a computed result may lie from the exact one.

    Attributes:
        name: of the published arithmetic that this one is, or starts from.
        dtype: the format's NumPy name.
        unit_roundoff: relative error of one operation; twice as large when rounding to zero.
        smallest_normal, smallest_subnormal, largest: of the format.
        subnormals: `kept`, `flushed` (operands and results), or `either`.
        ulps: by function, the error in units in the last place of the result.
        absolute: by function, an absolute error that is allowed on top.
        algorithms: by computation, one of the classes of `ALGORITHMS`.
    """

    name: str
    dtype: str
    unit_roundoff: float
    smallest_normal: float
    smallest_subnormal: float
    largest: float
    subnormals: str = "kept"
    ulps: Mapping[str, float] = field(
        default_factory=lambda: OPENCL_FULL_PROFILE | CORRECTLY_ROUNDED, hash=False
    )
    absolute: Mapping[str, float] = field(default_factory=dict, hash=False)
    algorithms: Mapping[str, str] = field(
        default_factory=lambda: {name: classes[0] for name, classes in ALGORITHMS.items()}, hash=False
    )

    @cached_property
    def format(self) -> Any:
        """The dtype itself: looking it up by name takes longer than a tiny array's conversion."""
        return xp.dtype(self.dtype)

    @cached_property
    def underflow(self) -> float:
        """The largest absolute error of a result below the normal numbers."""
        return self.smallest_normal * (self.unit_roundoff if self.subnormals == "kept" else 1.0)

    @cached_property
    def nearest(self) -> bool:
        """Whether operations round to the nearest number of the format."""
        return self.unit_roundoff <= NAMED[self.name].unit_roundoff

    @cached_property
    def exact_integers(self) -> float:
        """Integers up to this magnitude are all representable."""
        return 2.0 ** (round(-math.log2(self.unit_roundoff)))

    def gamma(self, n: Any) -> Any:
        """γₙ = nu/(1 − nu), the relative error of n roundings in any order (Higham 2002, lemma 3.1);
        infinite where nu ≥ 1.

        Args:
            n: an array of counts.
        """
        nu = n * self.unit_roundoff
        return nu / xp.maximum(1 - nu, 0.0)

    def looser_entries(self) -> dict[str, tuple[float, float]]:
        """Functions whose ULP entry is looser than the published one: name → (published, declared)."""
        published = NAMED[self.name].ulps
        return {
            name: (published.get(name, math.nan), ulps)
            for name, ulps in sorted(self.ulps.items())
            if not ulps <= published.get(name, 0.0)
        }


IEEE_FLOAT32 = Arithmetic(
    "ieee-float32", "float32", 2.0**-24, 2.0**-126, 2.0**-149, (2 - 2.0**-23) * 2.0**127
)
IEEE_FLOAT64 = Arithmetic(
    "ieee-float64", "float64", 2.0**-53, 2.0**-1022, 2.0**-1074, (2 - 2.0**-52) * 2.0**1023
)
FLOAT16 = Arithmetic("float16", "float16", 2.0**-11, 2.0**-14, 2.0**-24, 65504.0)

NAMED = {a.name: a for a in (IEEE_FLOAT32, IEEE_FLOAT64, FLOAT16)}


class BadArithmetic(ValueError):
    """A backend declared an arithmetic that does not exist or makes no sense."""


def declared(declaration: Mapping[str, Any]) -> Arithmetic:
    """The arithmetic that a backend declares at `start`: a named one with its own entries on top.

    Args:
        declaration: `{"base": name}` and optionally `unit_roundoff`, `subnormals`, `ulps`, `absolute`,
            `algorithms`.

    Raises:
        BadArithmetic: an unknown name, field, function class or value.

    >>> declared({"base": "ieee-float32", "ulps": {"tanh": 5.6}}).ulps["tanh"]
    5.6
    """
    entries = dict(declaration)
    base = entries.pop("base", "ieee-float32")
    if base not in NAMED:
        raise BadArithmetic(f"unknown arithmetic {base!r}; the named ones are {', '.join(NAMED)}")
    arithmetic = NAMED[base]
    unknown = entries.keys() - {"unit_roundoff", "subnormals", "ulps", "absolute", "algorithms"}
    if unknown:
        raise BadArithmetic(f"unknown fields in an arithmetic: {', '.join(sorted(unknown))}")
    if entries.get("subnormals", "kept") not in ("kept", "flushed", "either"):
        raise BadArithmetic(f"subnormals are kept, flushed or either, not {entries['subnormals']!r}")
    if "unit_roundoff" in entries and not _is_number(entries["unit_roundoff"], 2.0**-1074, 0.5):
        raise BadArithmetic(f"unit_roundoff is above 0 and at most 1/2, not {entries['unit_roundoff']!r}")
    for table in ("ulps", "absolute", "algorithms"):
        if not isinstance(entries.setdefault(table, {}), Mapping):
            raise BadArithmetic(f"{table} are given by name in an object, not as {entries[table]!r}")
    for table in ("ulps", "absolute"):
        for name, entry in entries[table].items():
            if not _is_number(entry, 0.0, sys.float_info.max):
                raise BadArithmetic(f"{table} of {name}: a number from 0 up, not {entry!r}")
    for name, chosen in entries["algorithms"].items():
        known = ALGORITHMS.get(name, ())
        if chosen not in known:
            raise BadArithmetic(f"algorithm {name}: {chosen!r} is none of {', '.join(known) or 'any known'}")
    for table in ("ulps", "absolute", "algorithms"):
        entries[table] = dict(getattr(arithmetic, table)) | entries[table]
    return replace(arithmetic, **entries)


def _is_number(x: Any, least: float, most: float) -> bool:
    return isinstance(x, int | float) and least <= x <= most
