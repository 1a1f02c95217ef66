"""Every dialect that ships with the suite tells its deviations apart."""

import pytest

from conformance.dialects import BUILT_IN, load


@pytest.mark.parametrize("backend", BUILT_IN)
def test_identifiers_are_unique(backend: str) -> None:
    names = [d.id for d in load(BUILT_IN[backend])[backend].deviations]
    assert len(names) == len(set(names))
