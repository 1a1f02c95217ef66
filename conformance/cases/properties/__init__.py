"""The properties, one module per family."""

from conformance.cases.properties import errors, guides, numeric, structural, training
from conformance.cases.properties.property import Property

PROPERTIES: dict[str, Property] = {
    p.name: p for family in (numeric, structural, training, errors, guides) for p in family.PROPERTIES
}
"""Every property by name, in the order in which reports show them."""

__all__ = ["PROPERTIES", "Property"]
