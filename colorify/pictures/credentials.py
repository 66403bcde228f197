"""C2PA content credentials: a manifest in a result, signed with a key of the user's, that says how it was made.

C2PA Technical Specification 2.4; the library is c2pa-python, an optional extra.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

from PIL import Image

from colorify import extras
from colorify.files import atomic
from colorify.pictures.formats import FORMATS
from colorify.pictures.picture import PictureError
from colorify.pictures.provenance import SOURCE_TYPE
from colorify.version import __version__

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import (
        CertificatePublicKeyTypes,
        PrivateKeyTypes,
        PublicKeyTypes,
    )
    from cryptography.x509 import Certificate

_ASKED = "C2PA asks for one by a CA, not self-signed, for digital signatures, of documents, e-mail or C2PA's own use"
_PURPOSES = "1.3.6.1.5.5.7.3.36\n1.3.6.1.5.5.7.3.4\n1.3.6.1.4.1.62558.2.1\n"
"""What certificates are for: documents, e-mail, C2PA's claims; by itself the library takes the second alone."""
SETTINGS = {
    "verify": {"remote_manifest_fetch": False, "ocsp_fetch": False},  # no network
    "trust": {"trust_config": _PURPOSES},
    "builder": {
        "thumbnail": {"enabled": False},
        "created_assertion_labels": ["c2pa.actions", "c2pa.ingredient"],  # what the signer answers for
    },
}
"""How the library writes and reads manifests."""

_PARENT = "parent"  # links the ingredient and the action that opened it
_CURVES = {"secp256r1": "es256", "secp384r1": "es384", "secp521r1": "es512"}


class CredentialError(PictureError):
    """Why nothing can be signed, or a file cannot."""


class Made(NamedTuple):
    """From what a result was made, and how."""

    title: str  # the name of the source
    suffix: str  # that names its format
    source: BinaryIO  # its file
    model: str  # the signature of what colored it
    knobs: str = ""  # as `Knobs.told` says them


@dataclass(frozen=True)
class Credentials:
    """A private key, and the certificates of its owner: what `load` has checked."""

    algorithm: str  # C2PA's name for it
    key: bytes = field(repr=False)  # PEM
    chain: bytes = field(repr=False)  # PEM, the owner's certificate first

    @classmethod
    def load(cls, key: Path, certificate: Path) -> Credentials:
        """Read and try a key and its certificates, PEM both; `CredentialError` says why they cannot sign."""
        _library()
        secret, (private, algorithm) = _content(key), _key(key)
        chain = _content(certificate)
        _check(private, certificate, _certificates(certificate, chain))
        credentials = cls(algorithm, secret, chain)
        credentials._try(certificate)
        return credentials

    def _try(self, certificate: Path) -> None:
        """Sign a small picture: the library checks the rest of C2PA's rules."""
        picture = BytesIO()
        Image.new("L", (8, 8)).save(picture, "PNG")
        try:
            self._sign(".png", picture, BytesIO(), "", Made("", ".png", picture, ""))
        except _library().C2paError as error:
            raise CredentialError(f"{certificate}: cannot sign: {_plain(error)}: {_ASKED}") from None

    def sign(self, draft: Path, title: str, made: Made) -> None:
        """Sign a file, written beside and renamed; ``title`` is its name. Its pixels stay as they are."""
        try:
            with atomic(draft) as part, open(draft, "rb") as file, open(part, "w+b") as out:
                self._sign(draft.suffix, file, out, title, made)
        except _library().C2paError as error:
            raise CredentialError(f"{title}: cannot be signed: {_plain(error)}") from None

    def _sign(self, suffix: str, file: BinaryIO, out: BinaryIO, title: str, made: Made) -> None:
        c2pa = _library()
        info = c2pa.C2paSignerInfo(self.algorithm, self.chain, self.key, None)
        with c2pa.Context(c2pa.Settings.from_dict(SETTINGS)) as context, c2pa.Signer.from_info(info) as signer:
            builder = c2pa.Builder(_manifest(title, made), context=context)
            parent = {"title": made.title, "relationship": "parentOf", "label": _PARENT}
            try:
                made.source.seek(0)
                builder.add_ingredient(parent, _kind(made.suffix), made.source)
            except c2pa.C2paError:  # damaged, or a format that holds no manifest: then it is not looked into
                made.source.seek(0)
                builder.add_ingredient(parent, "application/octet-stream", made.source)
            file.seek(0)
            builder.sign(signer, _kind(suffix), file, out)


@contextmanager
def signing(credentials: Credentials | None, target: Path) -> Iterator[Path]:
    """The name to write ``target`` under: renamed to it at the end, so that an unsigned one is never there."""
    if credentials is None:
        yield target
        return
    with atomic(target, target.suffix) as draft:
        try:
            yield draft
        except ValueError as error:  # all of the package are
            if str(draft) not in str(error):
                raise
            raise type(error)(str(error).replace(str(draft), str(target))) from None


def unsigned(suffix: str) -> str:
    """What there is to say of a format, by a suffix, that holds no manifest; empty for one that does."""
    if _kind(suffix) in _library().Builder.get_supported_mime_types():
        return ""
    row = FORMATS.get(suffix.lower())
    name = row.name if row else suffix.lower()
    return f"{name} holds no content credentials: choose another format, or leave out --sign-key"


def pages_unsigned(count: int) -> str:
    """Why several pages are not signed: the library adds one without pixels, at which Pillow and others fail."""
    return f"{count} pages: content credentials are for files of one picture: leave out --sign-key, or part the pages"


def _manifest(title: str, made: Made) -> dict[str, Any]:
    """What is signed."""
    colored = {
        "action": "c2pa.edited",
        "digitalSourceType": SOURCE_TYPE,
        "softwareAgent": {"name": f"colorify {made.model}".rstrip(), "version": __version__},
        "description": "colored by a trained algorithm",
    } | ({"parameters": {"colorify.knobs": made.knobs}} if made.knobs else {})
    actions = [{"action": "c2pa.opened", "parameters": {"ingredientIds": [_PARENT]}}, colored]
    return {
        "claim_generator_info": [{"name": "colorify", "version": __version__}],
        "title": title,
        "assertions": [{"label": "c2pa.actions.v2", "data": {"actions": actions}}],
    }


def _library() -> Any:
    """The library; `CredentialError` names the extra where it is missing."""
    try:
        import c2pa
        import cryptography
    except ImportError:
        raise CredentialError(f"--sign-key needs an extra that is not installed: {extras.cure('sign')}") from None
    return c2pa if cryptography else None


def _kind(suffix: str) -> str:
    """A format, as the library calls it."""
    row = FORMATS.get(suffix.lower())
    return (row.suffixes[0] if row else suffix.lower()).removeprefix(".")


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise CredentialError(f"{path}: cannot be read: {error.strerror or error}") from None


def _key(path: Path) -> tuple[PrivateKeyTypes, str]:
    """A private key, and the algorithm that it signs with."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        key = load_pem_private_key(_content(path), None)
    except TypeError:
        raise CredentialError(f"{path}: the key has a password: openssl pkey -in {path} -out plain.pem") from None
    except (ValueError, UnsupportedAlgorithm):
        raise CredentialError(f"{path}: not a private key in PEM") from None
    if isinstance(key, ec.EllipticCurvePrivateKey) and key.curve.name in _CURVES:
        return key, _CURVES[key.curve.name]
    if isinstance(key, rsa.RSAPrivateKey) and key.key_size >= 2048:
        return key, "ps256"
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return key, "ed25519"
    raise CredentialError(f"{path}: not a key that C2PA signs with: choose P-256, Ed25519, or RSA of 2048 bits or more")


def _certificates(path: Path, content: bytes) -> list[Certificate]:
    from cryptography.x509 import load_pem_x509_certificates

    try:
        return load_pem_x509_certificates(content)
    except ValueError:
        raise CredentialError(f"{path}: not certificates in PEM") from None


def _check(key: PrivateKeyTypes, path: Path, chain: list[Certificate]) -> None:
    """`CredentialError` for a chain that is not that of the key, or not in its order, and for one out of its time."""
    if _bytes(chain[0].public_key()) != _bytes(key.public_key()):
        raise CredentialError(f"{path}: not the certificate of this key, which has to come first in the file")
    for certificate in chain:
        begin, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
        if not begin <= datetime.now(UTC) <= end:
            name = certificate.subject.rfc4514_string()
            raise CredentialError(f"{path}: {name}: valid from {begin:%Y-%m-%d} to {end:%Y-%m-%d}, not now")
    for certificate, above in pairwise(chain):
        if certificate.issuer != above.subject:
            name = certificate.subject.rfc4514_string()
            raise CredentialError(f"{path}: {name}: its issuer does not follow it: owner first, then who signed it")


def _bytes(key: PublicKeyTypes | CertificatePublicKeyTypes) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _plain(error: Exception) -> str:
    """What the library says, in one line and without its types."""
    text = re.sub(r"\(self#[^)]*\)", "", " ".join(str(error).split()))
    return re.sub(r"^(\w+: |manifest failed validation with: failures: )+", "", text)[:200].strip()
