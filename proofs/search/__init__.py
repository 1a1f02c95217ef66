"""Proves that the search finds what is wrong by itself: every fault of the zoo of whose subjects cases can be
drawn is looked for by `conformance explore`, without the corpus.

    python -m proofs.search                      # reports/search.json and search.md
    python -m proofs.search lstm_gates_swapped   # of these, written nowhere
"""
