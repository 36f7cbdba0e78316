"""
The signature of a digest file: RSA, PKCS #1 v1.5, SHA-256, over four lines.

Source:
    https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-log-file-custom-validation.html
"""

from __future__ import annotations

import binascii
from functools import lru_cache
from typing import TYPE_CHECKING

from trailql.errors import SourceError
from trailql.integrity.digest import Digest

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey


class UnusableKey(Exception):
    """A public key that is no RSA key."""


def text_to_sign(digest: Digest, bucket: str, key: str) -> bytes:
    """The four lines that are signed, for a digest that was read from a bucket and key."""
    lines = (digest.end_text, f"{bucket}/{key}", digest.sha256, digest.previous_signature)
    return "\n".join("null" if line is None else line for line in lines).encode("utf-8", "surrogatepass")


def is_signed(text: bytes, signature: str, public_key: bytes) -> bool:
    """
    Whether a signature over a text was made with a key.

    Args:
        text: What is signed.
        signature: Hex.
        public_key: DER; PKCS #1 or SubjectPublicKeyInfo.

    Raises:
        UnusableKey: The key is none.
    """
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    from cryptography.hazmat.primitives.hashes import SHA256

    key = _rsa_key(public_key)
    try:
        key.verify(binascii.unhexlify(signature.strip()), text, PKCS1v15(), SHA256())
    except (InvalidSignature, ValueError):  # not hex, or no ASCII at all
        return False
    return True


@lru_cache(maxsize=256)
def _rsa_key(value: bytes) -> RSAPublicKey:
    try:
        from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
        from cryptography.hazmat.primitives.serialization import load_der_public_key
    except ImportError as error:
        raise SourceError("cryptography is needed to check signatures", hint="pip install cryptography") from error
    try:
        key = load_der_public_key(value)  # knows PKCS #1 and SubjectPublicKeyInfo
    except Exception as error:
        raise UnusableKey(str(error)) from error
    if not isinstance(key, RSAPublicKey):
        raise UnusableKey("not an RSA key")
    return key
