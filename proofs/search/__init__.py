"""Proves that the search finds what is wrong by itself: every fault of the zoo that cases can be drawn for is
looked for by `conformance explore`, without the corpus.

    python -m proofs.search                      # reports/search.json and search.md
    python -m proofs.search lstm_gates_swapped   # of these, written nowhere
"""
