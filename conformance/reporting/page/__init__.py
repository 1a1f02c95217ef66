"""Renders a report as one self-contained, offline HTML page; the same results give the same bytes.

The page is the application in `application/`, built ahead into `page.html`, with the results in it as gzip in
base64: an overview, and details that it unpacks when something is opened.
"""

from __future__ import annotations

import base64
import gzip
from importlib.resources import files

import msgspec

from conformance.reporting.page.content import contents
from conformance.reporting.store import Report

PLACE = '<script type="application/gzip" id="{name}"></script>'
"""Where the built page has room for a part of the results."""


def render(report: Report) -> str:
    """The page.

    Raises:
        BadArithmetic: a backend of the report declares an arithmetic that does not exist.
        BadDialect: an installed dialect cannot be read.
    """
    page = files(__package__).joinpath("page.html").read_text("utf-8")
    overview, details = contents(report)
    for name, part in {"overview": overview, "details": details}.items():
        before, place, after = page.partition(PLACE.format(name=name))
        assert place, f"page.html has no place for the {name}"
        page = before + place.replace("><", f">{_packed(part)}<") + after
    return page


def _packed(part: msgspec.Struct) -> str:
    """The part as JSON, gzip without a time, and base64, in which nothing can be taken for HTML."""
    return base64.b64encode(gzip.compress(msgspec.json.encode(part), 9, mtime=0)).decode()
