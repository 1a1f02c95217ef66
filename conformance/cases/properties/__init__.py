"""The properties, one module per family."""

from conformance.cases.properties import numeric, structural
from conformance.cases.properties.property import Property

PROPERTIES: dict[str, Property] = {p.name: p for p in (*numeric.PROPERTIES, *structural.PROPERTIES)}
"""Every property by name, in the order in which reports show them."""

__all__ = ["PROPERTIES", "Property"]
