"""A backend of the zoo as a program, from the root of a checkout: `python -m tests.wrong_backends NAME`."""

import argparse

from conformance.cases import corpus
from conformance.cases.models import is_about_model
from conformance.runners.protocol import ConcreteCase, Identity, Observed, Start
from conformance.runners.serve import serve

from .fault import Fault
from .reference_backend import as_case, forget, identity_of, observe
from .zoo import BACKENDS


def main() -> None:
    """Answer for the backend until the suite has no more questions."""
    parser = argparse.ArgumentParser(prog=f"python -m {__package__}", description=__doc__)
    parser.add_argument("name", choices=BACKENDS, metavar="NAME", help="as in `zoo.BACKENDS`")
    backend = BACKENDS[parser.parse_args().name]
    said = backend.said if isinstance(backend, Fault) else None

    def start(request: Start) -> Identity:
        # It saves no models and loads none.
        subjects = {case.subject for case in corpus.load("standard") if not is_about_model(case)}
        return identity_of(backend.name, sorted(subjects), **backend.arithmetic)

    def answer(concrete: ConcreteCase) -> dict[str, Observed]:
        forget()
        return observe(as_case(concrete), backend.replaced, said)

    serve(start, answer)


if __name__ == "__main__":
    main()
