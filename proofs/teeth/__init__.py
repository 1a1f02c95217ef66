"""Proof that whatever is wrong is caught, and nothing that is right: `python -m proofs.teeth`.

`tests.wrong_backends.zoo` has the backends. Each wrong one is asked the cases of the standard corpus about
the subjects that its fault concerns, each of the equivalent ones all that are not random. `asking` does that
for one subject, with all backends that it concerns, since what the specification says of a case is then
computed once. `binding` says what the answers depend on, `journal` keeps them, and `report` makes of them the
matrix of faults by properties.
"""
