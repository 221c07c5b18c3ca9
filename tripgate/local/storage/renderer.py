"""Has pictures changed by one process, started at the first one that is asked for, and anew after it ended or hung.

Takes a directory for what it makes, which is removed once it is sent.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import sys
import uuid
from typing import TYPE_CHECKING

import orjson

from tripgate.local.storage.errors import StorageError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tripgate.local.storage.transformation import Transformation

SECONDS = 20.0
QUALITY = 80
WORKER = "tripgate.local.storage.picture_worker"
_ACCEPTED = {"webp": "image/webp", "avif": "image/avif"}


class Renderer:
    """One worker; pictures wait for each other."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._worker: asyncio.subprocess.Process | None = None
        self._lock = asyncio.Lock()
        # What a crash left.
        shutil.rmtree(directory, ignore_errors=True)

    @contextlib.asynccontextmanager
    async def rendered(self, source: Path, wanted: Transformation, accept: str) -> AsyncIterator[tuple[Path, str]]:
        """The changed picture's file, as long as it is needed, and its media type. Raises StorageError for a picture
        that cannot be changed."""
        self._directory.mkdir(parents=True, exist_ok=True)
        target = self._directory / str(uuid.uuid4())
        kind = _ACCEPTED.get(wanted.format or "")
        if wanted.format is None and "image/webp" in accept:
            kind = "image/webp"
        job = {
            "source": str(source),
            "target": str(target),
            "width": wanted.width,
            "height": wanted.height,
            "resize": wanted.resize,
            "quality": wanted.quality or QUALITY,
            "format": kind,
        }
        try:
            async with self._lock:
                answer = await self._asked(orjson.dumps(job) + b"\n")
            if "error" in answer:
                raise StorageError(400, "InvalidRequest", answer["error"])
            yield target, answer["type"]
        finally:
            target.unlink(missing_ok=True)

    async def stop(self) -> None:
        """End the worker."""
        if self._worker is not None:
            with contextlib.suppress(ProcessLookupError):
                self._worker.kill()
            await self._worker.wait()
            self._worker = None

    async def _asked(self, line: bytes) -> dict[str, str]:
        worker = self._worker
        if worker is None or worker.returncode is not None:
            pipe = asyncio.subprocess.PIPE
            worker = self._worker = await asyncio.create_subprocess_exec(
                sys.executable, "-m", WORKER, stdin=pipe, stdout=pipe
            )
        if worker.stdin is None or worker.stdout is None:
            raise RuntimeError("it was started with pipes")
        try:
            worker.stdin.write(line)
            await worker.stdin.drain()
            async with asyncio.timeout(SECONDS):
                answered = await worker.stdout.readline()
        except TimeoutError:
            await self.stop()
            raise StorageError(408, "InvalidRequest", "Image request timed out") from None
        except ConnectionError:
            answered = b""
        except BaseException:
            # Whoever asks next would read what this one did not wait for.
            await self.stop()
            raise
        if not answered:
            await self.stop()
            raise StorageError(500, "InternalError", "Internal error")
        answer: dict[str, str] = orjson.loads(answered)
        return answer
