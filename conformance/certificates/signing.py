"""Signatures: a DSSE envelope for each statement, with an Ed25519 key of the user's.

The public key lies beside them, so that a signature can be told to be whole also by who does not know whose
key it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from securesystemslib.dsse import Envelope
    from securesystemslib.signer import SSlibKey

PAYLOAD = "application/vnd.in-toto+json"
"""The media type of an in-toto statement."""

LARGEST_KEY = 16_384
"""Bytes of a file with a key, at most."""


class Signature(StrEnum):
    """What there is to say of who signed, of a certificate whose bytes are whole."""

    UNSIGNED = "unsigned"
    UNKNOWN_KEY = "signed by an unknown key"
    VALID = "validly signed"


class BadKey(ValueError):
    """A file holds no key that can be used; the message names it, the reason and the remedy."""


class BadSignature(ValueError):
    """A signature is not that of the statements; the message says why."""


@dataclass(frozen=True)
class Signed:
    """What is written beside the statements: an envelope a line, and the public key."""

    envelopes: bytes
    public_key: bytes


def load_private_key(path: Path) -> Any:
    """The Ed25519 key in a PEM file, not encrypted.

    Raises:
        BadKey: there is none.
    """
    _need_library()
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    make = "make one: openssl genpkey -algorithm ed25519 -out key.pem"
    try:
        key = serialization.load_pem_private_key(_read(path), password=None)
    except TypeError as error:
        raise BadKey(
            f"{path}: the key is encrypted; give one that is not: openssl pkey -in {path}"
        ) from error
    except ValueError as error:
        raise BadKey(f"{path}: holds no private key in PEM; {make}") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise BadKey(f"{path}: holds a key of another kind than Ed25519; {make}")
    return key


def load_public_key(path: Path) -> bytes:
    """The Ed25519 public key in a PEM file, in the one form in which it is written.

    Raises:
        BadKey: there is none.
    """
    _need_library()
    try:
        return _canonical_key(_read(path))
    except ValueError as error:
        raise BadKey(
            f"{path}: holds no public Ed25519 key in PEM ({error}); of a private key it is: "
            "openssl pkey -in key.pem -pubout -out key.pub"
        ) from error


def sign(statements: Sequence[bytes], private_key: Any) -> Signed:
    """An envelope for each statement, in order."""
    from securesystemslib.dsse import Envelope
    from securesystemslib.signer import CryptoSigner

    signer = CryptoSigner(private_key)
    lines = []
    for statement in statements:
        envelope = Envelope(statement, PAYLOAD, {})
        envelope.sign(signer)
        lines.append(_encode(envelope))
    return Signed(b"".join(lines), _pem(private_key.public_key()))


def verify(statements: Mapping[str, bytes], signed: Signed, trusted: Sequence[bytes]) -> Signature:
    """Who signed the statements.

    Args:
        statements: by the names of their files, in the order of their envelopes.
        trusted: public keys, as `load_public_key` gives them.

    Raises:
        BadSignature: not the key beside them, or not these statements, or in another form than is written.
        BadKey: what verifies is not installed.
    """
    _need_library()
    from securesystemslib.dsse import Envelope
    from securesystemslib.exceptions import VerificationError

    try:
        canonical = _canonical_key(signed.public_key)
    except ValueError as error:
        raise BadSignature(f"the public key is none of Ed25519 in PEM ({error})") from error
    if canonical != signed.public_key:
        raise BadSignature("the public key is in another form than certify writes")
    key = _key(canonical)
    lines = signed.envelopes.splitlines(keepends=True)
    if len(lines) != len(statements):
        raise BadSignature(f"there are {len(lines)} envelopes, and {len(statements)} statements")
    for line, (name, statement) in zip(lines, statements.items(), strict=True):
        try:
            envelope = Envelope.from_dict(msgspec.json.decode(line))
            whole = _encode(envelope) == line and set(envelope.signatures) == {key.keyid}
        except Exception as error:  # the library says in many ways that an envelope is none
            raise BadSignature(f"an envelope cannot be read ({error})") from error
        if not whole:
            raise BadSignature("an envelope is in another form than certify writes, or of another key")
        if envelope.payload_type != PAYLOAD or envelope.payload != statement:
            raise BadSignature(f"an envelope holds another statement than {name}")
        try:
            envelope.verify([key], 1)
        except VerificationError as error:
            raise BadSignature("the signature is not that of the key beside it") from error
    return Signature.VALID if canonical in trusted else Signature.UNKNOWN_KEY


def key_id(public_key: bytes) -> str:
    """The name of a public key: the SHA-256 that envelopes tell."""
    return str(_key(public_key).keyid)


def _key(public_key: bytes) -> SSlibKey:
    from cryptography.hazmat.primitives import serialization
    from securesystemslib.signer import SSlibKey

    return SSlibKey.from_crypto(serialization.load_pem_public_key(public_key))


def _canonical_key(content: bytes) -> bytes:
    """The key in PEM as it is written.

    Raises:
        ValueError: it is none of Ed25519.
    """
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        key = serialization.load_pem_public_key(content)
    except UnsupportedAlgorithm as error:
        raise ValueError("of an unknown kind") from error
    except ValueError as error:
        raise ValueError("nothing that can be read") from error
    if not isinstance(key, Ed25519PublicKey):
        raise ValueError("of another kind")
    return _pem(key)


def _pem(public_key: Any) -> bytes:
    from cryptography.hazmat.primitives import serialization

    pem: bytes = public_key.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return pem


def _encode(envelope: Envelope) -> bytes:
    return msgspec.json.encode(envelope.to_dict(), order="sorted") + b"\n"


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(LARGEST_KEY)
    except OSError as error:
        raise BadKey(f"{path}: cannot be read ({error.strerror})") from error


def _need_library() -> None:
    try:
        import cryptography  # noqa: F401
        import securesystemslib  # noqa: F401
    except ImportError as error:
        raise BadKey(
            f"signatures need {error.name}: run pip install 'layers-conformance[signature]'"
        ) from error
