"""An entry applies to the versions that it is about; of others the nearest recorded version's entries do."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest

from conformance import dialects
from conformance.dialects.deviation import Deviation, Dialect, Value, subject
from conformance.dialects.versions import InvalidRequirement, Requirement, known_version


def entry(versions: str) -> Deviation:
    return Deviation(versions, "", "bug", "", "", versions, subject("layers.Dense"), Value({}), ())


DIALECT = Dialect(
    tuple(
        map(
            entry,
            (
                "keras==3.12.*",
                "keras>=3.12,<3.16",
                "keras==3.15.*",
                "tensorflow==2.21.*",
                "@scope/js==4.22.0",
                "",
            ),
        )
    )
)


@pytest.mark.parametrize(
    ("live", "nearest", "applying"),
    [
        ("3.15.1", {}, {"keras==3.15.*", "keras>=3.12,<3.16"}),
        ("3.12.4", {}, {"keras==3.12.*", "keras>=3.12,<3.16"}),
        ("3.14.0", {}, {"keras>=3.12,<3.16"}),
        ("3.15.0.dev20260101", {}, {"keras==3.15.*", "keras>=3.12,<3.16"}),
        ("3.16.0", {"keras": "3.15"}, {"keras==3.15.*", "keras>=3.12,<3.16"}),
        ("3.17.0-nightly.3", {"keras": "3.15"}, {"keras==3.15.*", "keras>=3.12,<3.16"}),
        ("2.15.0", {"keras": "3.12"}, {"keras==3.12.*", "keras>=3.12,<3.16"}),
    ],
)
def test_entries_of_the_live_or_else_of_the_nearest_version_apply(
    live: str, nearest: dict[str, str], applying: set[str]
) -> None:
    dialect = DIALECT.of_versions({"keras": live, "tensorflow": "2.21.0", "js": "4.22.0"})
    assert dialect.nearest == nearest
    assert {d.versions for d in dialect.deviations} == {
        *applying,
        "tensorflow==2.21.*",
        "@scope/js==4.22.0",
        "",
    }


def test_a_package_whose_version_is_not_told_has_the_first_known_one() -> None:
    dialect = DIALECT.of_versions({"keras": "3.15.1", "tensorflow": "2.21.0"})
    assert dialect.nearest == {"js": "4.22.0"}
    assert "@scope/js==4.22.0" in {d.versions for d in dialect.deviations}


def test_what_is_judged_under_has_a_digest_of_its_own() -> None:
    old, new = (DIALECT.of_versions({"keras": live}) for live in ("3.12.0", "3.15.0"))
    assert old.digest != new.digest


@pytest.mark.parametrize("text", ["keras", "keras==", "keras==three", "keras<3.16", "3.15", "keras~~3"])
def test_what_names_no_version_is_refused(text: str) -> None:
    with pytest.raises(InvalidRequirement, match="is no requirement that names a version"):
        Requirement.parse(text)


def test_the_nearest_version_is_one_that_some_entry_covers() -> None:
    recorded = [Requirement.parse("keras>=3.12,<3.16"), Requirement.parse("keras!=3.13,>3.10,==3.11.*")]
    assert known_version("4.0", recorded) == "3.12"
    assert known_version("3.0", recorded) == "3.11"


def test_a_dialect_with_an_entry_of_no_version_is_bad(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("dialect_without_versions")
    module.DIALECTS = {"mine": Dialect((entry("keras"),))}  # type: ignore[attr-defined]  # what dialects have
    monkeypatch.setitem(sys.modules, module.__name__, module)
    with pytest.raises(dialects.BadDialect, match=r"dialect_without_versions.*'keras' is no requirement"):
        dialects.of("mine", {}, (module.__name__,))


@pytest.mark.parametrize("backend", dialects.BUILT_IN)
def test_every_built_in_entry_names_versions(backend: str) -> None:
    entries = dialects.load(dialects.BUILT_IN[backend])[backend].deviations
    assert all(Requirement.parse(d.versions).known() for d in entries)
