"""`python -m conformance` is the command `conformance`."""

from conformance.cli import main

if __name__ == "__main__":  # a worker process imports this module, too
    main(prog_name="conformance")
