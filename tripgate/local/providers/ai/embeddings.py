"""Embeddings that are always the same for a text, and near each other for texts that share words and beginnings."""

from __future__ import annotations

import base64
import hashlib
import math
import re
import struct
import unicodedata
from functools import lru_cache

DIMENSIONS = 1536
MAX_TOKENS = 8192
MAX_INPUTS = 2048
_WORD = re.compile(r"\w+")


@lru_cache(maxsize=2000)
def embedded(text: str, dimensions: int = DIMENSIONS) -> tuple[float, ...]:
    """A vector of length 1, of 32-bit floats."""
    found = [0.0] * dimensions
    for feature, weight in _features(text):
        digest = hashlib.blake2b(feature.encode(), digest_size=9).digest()
        found[int.from_bytes(digest[:8], "big") % dimensions] += weight if digest[8] & 1 else -weight
    length = math.sqrt(sum(each * each for each in found))
    if length == 0:
        found[0], length = 1.0, 1.0
    # As they come back from four bytes each: what is sent as numbers and as base64 is the same.
    packed = struct.pack(f"<{dimensions}f", *(each / length for each in found))
    return struct.unpack(f"<{dimensions}f", packed)


def as_base64(vector: tuple[float, ...]) -> str:
    """Four bytes each, the lowest first, which the client asks for unless it is told otherwise."""
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()


def _features(text: str) -> list[tuple[str, float]]:
    """Words, and, for less, groups of three letters: `museum` is near `museums`."""
    found: list[tuple[str, float]] = []
    for word in _WORD.findall(unicodedata.normalize("NFKC", text).casefold()):
        found.append((f"w:{word}", 1.0))
        framed = f"^{word}$"
        found.extend((f"3:{framed[at : at + 3]}", 0.4) for at in range(len(framed) - 2))
    return found
