"""Renders a report as one self-contained, offline HTML page; the same results give the same bytes.

The page is the application in `application/`, built ahead into `page.html`, with the results in it: an
overview, and details that it unpacks when something is opened.
"""

from __future__ import annotations

from conformance.reporting.page.content import contents
from conformance.reporting.page.embedding import embed
from conformance.reporting.store import Report


def render(report: Report) -> str:
    """The page.

    Raises:
        BadArithmetic: a backend of the report declares an arithmetic that does not exist.
        BadDialect: an installed dialect cannot be read.
    """
    overview, details = contents(report)
    return embed("page.html", {"overview": overview, "details": details})
