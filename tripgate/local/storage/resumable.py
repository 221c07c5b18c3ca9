"""Uploads that may be interrupted: what is known of each, and the bytes that have come so far.

Takes a directory; each upload has a file with what is known of it and one with its bytes, whose size is how far it has
come, so that nothing is lost with this process. Once they are complete the bytes become an object's; what is known
stays until the upload's time is over, for a client that did not hear of it.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import contextlib
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ValidationError

from tripgate.local.data_dir import write_private
from tripgate.local.storage.files import is_version

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable


class Upload(BaseModel):
    """One upload. `length` is unknown until it is told; `metadata` is what the client said, `expires` a second."""

    bucket: str
    name: str
    version: str
    length: int | None
    metadata: dict[str, str]
    content_type: str
    cache_control: str
    user_metadata: dict[str, Any] | None = None
    expires: int
    finished: bool = False

    @property
    def id(self) -> str:
        """Its last part of the address."""
        text = f"{self.bucket}/{self.name}/{self.version}"
        return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


class _Holder:
    """Who works at an upload, and whether somebody else waits to."""

    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.wanted = asyncio.Event()
        self.users = 0


class Uploads:
    """The uploads below one directory."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        directory.mkdir(parents=True, exist_ok=True)
        self._holders: dict[str, _Holder] = {}

    def find(self, key: str) -> Upload | None:
        """The upload of an address, as long as its time is not over."""
        try:
            text = base64.urlsafe_b64decode(key + "=" * (-len(key) % 4)).decode()
        except (binascii.Error, UnicodeDecodeError):
            return None
        version = text.rpartition("/")[2]
        upload = self._read(version) if is_version(version) else None
        if upload is None or upload.id != key or upload.expires < time.time():
            return None
        return upload

    def save(self, upload: Upload) -> None:
        """Keep what is known."""
        write_private(self._info(upload.version), upload.model_dump_json())

    def create(self, upload: Upload) -> None:
        """Begin one."""
        self.bytes_of(upload).touch(exist_ok=False)
        self.save(upload)

    def bytes_of(self, upload: Upload) -> Path:
        """Where its bytes are as they come."""
        return self._directory / upload.version

    def offset(self, upload: Upload) -> int:
        """How many bytes have come."""
        if upload.finished:
            return upload.length or 0
        return self.bytes_of(upload).stat().st_size

    def remove(self, upload: Upload) -> None:
        """Forget one."""
        self._info(upload.version).unlink(missing_ok=True)
        self.bytes_of(upload).unlink(missing_ok=True)

    @contextlib.asynccontextmanager
    async def held(self, key: str) -> AsyncIterator[asyncio.Event]:
        """Work at an upload alone: whoever does is told to stop by the event, and is waited for. Clients come back
        before the connection that broke is known to be."""
        holder = self._holders.setdefault(key, _Holder())
        holder.users += 1
        holder.wanted.set()
        try:
            async with holder.lock:
                holder.wanted.clear()
                if holder.users > 1:
                    # Somebody else waits already.
                    holder.wanted.set()
                yield holder.wanted
        finally:
            holder.users -= 1
            if not holder.users:
                self._holders.pop(key, None)

    def sweep(self, named: Callable[[list[str]], set[str]]) -> None:
        """Remove those whose time is over and what a crash left of others; those that have a row are finished."""
        for path in list(self._directory.iterdir()):
            if path.suffix == ".json" and is_version(path.stem):
                self._look_at(path.stem, named)
            elif not is_version(path.name) or not self._info(path.name).exists():
                path.unlink(missing_ok=True)

    def _look_at(self, version: str, named: Callable[[list[str]], set[str]]) -> None:
        upload = self._read(version)
        if upload is None:
            self._info(version).unlink(missing_ok=True)
        elif upload.expires < time.time():
            self.remove(upload)
        elif not upload.finished and not self.bytes_of(upload).exists():
            if named([version]):
                self.save(upload.model_copy(update={"finished": True}))
            else:
                self.remove(upload)
        elif not upload.finished and self.offset(upload) == upload.length:
            # Complete, and yet no object: the client would take it for one.
            self.remove(upload)

    def _read(self, version: str) -> Upload | None:
        try:
            return Upload.model_validate_json(self._info(version).read_bytes())
        except (FileNotFoundError, ValidationError):
            return None

    def _info(self, version: str) -> Path:
        return self._directory / f"{version}.json"
