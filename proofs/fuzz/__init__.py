"""Proof that the readers of model files survive whatever stands in them: `python -m proofs.fuzz`.

Atheris (libFuzzer) changes sound files, and hostile ones of the tests (`seeds`), and keeps what reaches new
code. `targets` has the readers, `mutations` and `hdf5_tree` change files by what they are made of, `oracle`
says what reading may do, `fuzzer` is the process of one target, `__main__` runs them all, and `again` shows
what was found.
"""
