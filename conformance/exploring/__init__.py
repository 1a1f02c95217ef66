"""The search beyond the corpus: Hypothesis draws cases and aims at large margins, backends answer, and what
fails is collected, each signature once, and reduced to a case that a person can read.

A space (`spaces.py`) is what can be drawn about a subject; the search (`search.py`) goes through the spaces
in rounds; the examiner (`examining.py`) has backends asked and their answers judged; the reduction
(`reduction.py`) makes the data of a failing case few and simple; the overlay (`overlay.py`) keeps what was
found.
"""
