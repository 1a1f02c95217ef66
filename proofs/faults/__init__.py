"""Proof that a fault of a backend costs its own case at most, and little time: `python -m proofs.faults`.

The corpus is asked of the real backends twice: undisturbed, and with a saboteur between the runner and each
adapter, which commits faults of every kind at random places. Every check of a case that no fault has hit has
to be the same in both runs, margin included; one of a case that was hit may be broken instead, but never be
another finding; and no process may be left behind.
"""
