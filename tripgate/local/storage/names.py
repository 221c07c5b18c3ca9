"""Which names buckets and objects can have, which types a bucket takes, and how large a file may be."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tripgate.local.storage import errors

if TYPE_CHECKING:
    from collections.abc import Sequence

_KEY = re.compile(r"[A-Za-z0-9_/!.*'() &$=@;:+,?-]+")
_BUCKET = re.compile(r"[A-Za-z0-9_!.*'() &$=@;:+,?-]{1,100}")
_TYPE = re.compile(r"[a-zA-Z0-9\-+.]+/[a-zA-Z0-9\-+.]+(;\s*charset=[a-zA-Z0-9\-]+)?|.*\*", re.DOTALL)
_SIZE = re.compile(r"(\d+(?:\.\d+)?)(gb|mb|kb|b)", re.IGNORECASE)
_UNITS = {"gb": 10**9, "mb": 10**6, "kb": 1000, "b": 1}
# What the platform's disks take.
MAX_KEY_BYTES = 1024
MAX_TYPE_LENGTH = 1000
# Holds no bytes: the dashboard keeps an empty folder by it.
PLACEHOLDER = ".emptyFolderPlaceholder"
RESERVED_SUFFIX = "--iceberg"


def check_key(key: str) -> str:
    """The object's name. Raises StorageError for one that none can have."""
    if not _KEY.fullmatch(key) or len(key.encode()) > MAX_KEY_BYTES:
        raise errors.invalid_key(key)
    return key


def check_bucket(name: str) -> str:
    """The bucket's name. Raises StorageError for one that none can have."""
    if not _BUCKET.fullmatch(name):
        raise errors.invalid_bucket_name()
    return name


def check_new_bucket(name: str) -> str:
    """The name of a bucket that is to be made."""
    if name.strip() != name or name.endswith(RESERVED_SUFFIX):
        raise errors.invalid_bucket_name()
    return check_bucket(name)


def check_types(types: Sequence[str]) -> None:
    """Raises StorageError unless a bucket can be told to take these types alone."""
    for kind in types:
        if len(kind) > MAX_TYPE_LENGTH or not _TYPE.fullmatch(kind):
            raise errors.invalid_mime_type(kind)


def check_type(kind: str, allowed: Sequence[str] | None) -> None:
    """Raises StorageError unless the bucket takes this type."""
    if not allowed:
        return
    wanted, _, subtype = kind.partition("/")
    for one in allowed:
        taken, _, narrower = one.partition("/")
        if subtype and wanted == taken and narrower in {"*", subtype}:
            return
    raise errors.invalid_mime_type(kind)


def size_limit(value: object, most: int) -> int | None:
    """A bucket's limit in bytes from a number or text such as `5MB`. Raises StorageError beyond `most`."""
    if value is None:
        return None
    if isinstance(value, str):
        match = _SIZE.fullmatch(value)
        if match is None:
            raise errors.invalid_request("Invalid file size format, hint: use 20GB / 20MB / 30KB / 3B")
        value = int(float(match[1]) * _UNITS[match[2].lower()])
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise errors.invalid_request("body/file_size_limit must be integer")
    if value > most:
        raise errors.too_large()
    return value


def largest(name: str, bucket_limit: int | None, limit: int) -> int:
    """How many bytes an object of this name may have."""
    if name.endswith(PLACEHOLDER):
        return 0
    return limit if bucket_limit is None else min(bucket_limit, limit)
