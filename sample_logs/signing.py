"""
A key pair for the sample's digest files, and signatures made with it: RSA, PKCS #1 v1.5, SHA-256.

The pair is made anew from a fixed seed whenever it is needed, so that every run signs alike and no private key lies
anywhere. It protects nothing: whoever has this file can sign as the sample's CloudTrail.

Source: https://www.rfc-editor.org/rfc/rfc8017#section-8.2
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from functools import cache
from random import Random

_BITS = 2048
_EXPONENT = 65537
_SHA256_PREFIX = bytes.fromhex("3031300d060960864801650304020105000420")
"""What stands before a SHA-256 hash in a signature: DER that says which hash it is."""
_SMALL_PRIMES = [n for n in range(3, 2000, 2) if all(n % d for d in range(3, int(n**0.5) + 1, 2))]


@dataclass(frozen=True)
class KeyPair:
    """An RSA key: its modulus and the private exponent."""

    modulus: int
    private: int

    def sign(self, text: bytes) -> str:
        """The signature over a text, hex."""
        size = _BITS // 8
        told = _SHA256_PREFIX + hashlib.sha256(text).digest()
        padded = b"\x00\x01" + b"\xff" * (size - len(told) - 3) + b"\x00" + told
        return pow(int.from_bytes(padded), self.private, self.modulus).to_bytes(size).hex()

    @property
    def public(self) -> str:
        """The public key as ListPublicKeys gives it: an RSAPublicKey (PKCS #1) in DER, base64."""
        return base64.b64encode(_der(0x30, _integer(self.modulus) + _integer(_EXPONENT))).decode()


@cache
def key_pair() -> KeyPair:
    """The sample's key pair; takes a few seconds."""
    rng = Random("digest signatures")
    one, other = _prime(rng), _prime(rng)
    return KeyPair(one * other, pow(_EXPONENT, -1, (one - 1) * (other - 1)))


def _prime(rng: Random) -> int:
    """A prime of half the bits, its two highest bits set, so that the product of two has all of them."""
    half = _BITS // 2
    while True:
        candidate = rng.getrandbits(half) | 3 << (half - 2) | 1
        if (
            all(candidate % small for small in _SMALL_PRIMES)
            and candidate % _EXPONENT != 1
            and _is_prime(candidate, rng)
        ):
            return candidate


def _is_prime(number: int, rng: Random) -> bool:
    """Miller and Rabin's test, 32 times."""
    odd, twos = number - 1, 0
    while odd % 2 == 0:
        odd, twos = odd // 2, twos + 1
    for _ in range(32):
        power = pow(rng.randrange(2, number - 1), odd, number)
        if power in (1, number - 1):
            continue
        for _ in range(twos - 1):
            power = power * power % number
            if power == number - 1:
                break
        else:
            return False
    return True


def _integer(value: int) -> bytes:
    return _der(0x02, value.to_bytes(value.bit_length() // 8 + 1))


def _der(kind: int, content: bytes) -> bytes:
    size = len(content)
    if size < 128:
        return bytes([kind, size]) + content
    told = size.to_bytes((size.bit_length() + 7) // 8)
    return bytes([kind, 128 + len(told)]) + told + content
