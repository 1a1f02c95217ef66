"""Which versions of a package an entry of a dialect is about, and which of those comes nearest to another."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import Version

_REQUIREMENT = re.compile(r"(?:@[\w.-]+/)?(?P<package>[\w.-]+?)\s*(?P<specifiers>[=<>!~].*)")

_RELEASE = re.compile(r"\d+(\.\d+)*")


class InvalidRequirement(ValueError):
    """A text that names no versions of a package."""


@dataclass(frozen=True)
class Requirement:
    """A package and versions of it, such as `keras==3.15.*` or `@tensorflow/tfjs-layers>=4.20,<4.23`.

    Attributes:
        package: without the scope of npm, as backends name it among their versions.
    """

    package: str
    specifiers: SpecifierSet

    @classmethod
    def parse(cls, text: str) -> Requirement:
        """The requirement that the text is.

        Raises:
            InvalidRequirement: it is none, or names no version that it covers.

        >>> Requirement.parse("@tensorflow/tfjs-core==4.22.0").package
        'tfjs-core'
        """
        match = _REQUIREMENT.fullmatch(text)
        try:
            if match is not None:
                requirement = cls(match["package"], SpecifierSet(match["specifiers"]))
                if requirement.known():
                    return requirement
        except InvalidSpecifier:
            pass
        raise InvalidRequirement(
            f"{text!r} is no requirement that names a version it was seen in; write it as 'keras==3.15.*' or "
            "'keras>=3.12,<3.16'"
        )

    def covers(self, version: str) -> bool:
        """Whether it is among the versions; a pre-release is, where its release is.

        >>> Requirement.parse("keras==3.15.*").covers("3.15.0.dev20260101")
        True
        """
        return self.specifiers.contains(_release(version), prereleases=True)

    def known(self) -> list[str]:
        """The versions that it names, and covers."""
        named = (specifier.version.removesuffix(".*") for specifier in self.specifiers)
        return [version for version in named if self.covers(version)]


def known_version(live: str, requirements: Iterable[Requirement]) -> str:
    """The live version where a requirement of the package covers it, else the nearest that they know: the
    latest before it, or the first after it.

    >>> recorded = [Requirement.parse("keras==3.12.*"), Requirement.parse("keras==3.15.*")]
    >>> [known_version(live, recorded) for live in ("3.15.1", "3.16.0", "3.14.2", "2.15.0")]
    ['3.15.1', '3.15', '3.12', '3.12']
    """
    requirements = tuple(requirements)
    if any(requirement.covers(live) for requirement in requirements):
        return live
    known = sorted({version for requirement in requirements for version in requirement.known()}, key=Version)
    before = [version for version in known if Version(version) <= Version(_release(live))]
    return before[-1] if before else known[0]


def _release(version: str) -> str:
    """The release that a version of Python's or npm's belongs to; 0 where it tells none."""
    match = _RELEASE.match(version)
    return match[0] if match else "0"
