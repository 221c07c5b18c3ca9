"""Log lines: JSON, one object a line, or text for people who develop.

Lines wait for a thread that writes many at once, so that a request pays for none of it, not even where standard error
is read slowly. What is worth a warning is written at once, and nothing is lost at a stop.
"""

import asyncio
import atexit
import logging
import os
import threading
import time
from collections import deque
from contextlib import suppress
from typing import Any

import orjson

from tripgate.gateway.observability.redact import error_as_data, said_in, without_secrets
from tripgate.gateway.settings import Settings
from tripgate.upstream.record import recording

LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
_NAMES = {number: name for name, number in LEVELS.items()} | {logging.CRITICAL: "critical"}
_LINGER_SECONDS = 0.05
_MOST_WAITING = 50_000
_CLOSE_SECONDS = 5.0


class Lines:
    """Where the log goes.

    Args:
        descriptor: An open file.
        as_json: Otherwise text.
        level: The least that is kept.
    """

    def __init__(self, descriptor: int, *, as_json: bool, level: int) -> None:
        self.level = level
        self.lost = 0  # lines for which there was no room, since nobody read
        self._descriptor = descriptor
        self._encode = _as_json if as_json else _as_text
        self._told_lost = 0
        self._waiting: deque[bytes] = deque()
        self._some = threading.Event()
        self._at_once = threading.Event()
        self._closing = False
        self._closed = False
        self._thread = threading.Thread(target=self._write_all, name="log", daemon=True)
        self._thread.start()
        atexit.register(self.close)

    def event(self, level: int, logger: str, message: str, fields: dict[str, Any]) -> None:
        """Log something.

        Args:
            message: What happened; the same words each time.
            fields: What is particular about it, as JSON data.
        """
        if level < self.level:
            return
        if len(self._waiting) >= _MOST_WAITING:
            self.lost += 1
            return
        self._waiting.append(self._encode(time.time(), _NAMES.get(level, "info"), logger, message, fields))
        if self._closed:
            self._write_waiting()
            return
        if not self._some.is_set():
            self._some.set()
        if level >= logging.WARNING:
            self._at_once.set()

    def close(self) -> None:
        """Write what waits. Lines that come later are written as they come."""
        self._closing = True
        self._some.set()
        self._at_once.set()
        self._thread.join(_CLOSE_SECONDS)
        self._closed = not self._thread.is_alive()
        atexit.unregister(self.close)
        if self._closed:
            self._write_waiting()

    def _write_all(self) -> None:
        while not self._closing:
            self._some.wait()
            self._at_once.wait(0 if self._closing else _LINGER_SECONDS)
            self._some.clear()
            self._at_once.clear()
            self._write_waiting()

    def _write_waiting(self) -> None:
        waiting = []
        with suppress(IndexError):
            while True:
                waiting.append(self._waiting.popleft())
        if self.lost > self._told_lost:
            lost, self._told_lost = self.lost - self._told_lost, self.lost
            waiting.append(self._encode(time.time(), "warning", "tripgate.log", "lines lost", {"lines": lost}))
        data = memoryview(b"".join(waiting))
        with suppress(OSError):  # nobody could be told
            while data:
                data = data[os.write(self._descriptor, data) :]


class Handler(logging.Handler):
    """Takes what the standard library's loggers say."""

    def __init__(self, lines: Lines) -> None:
        super().__init__(lines.level)
        self._lines = lines

    def emit(self, record: logging.LogRecord) -> None:
        """Log a record; its attribute `fields`, a mapping, where it has one, becomes fields of the line."""
        fields: dict[str, Any] = dict(getattr(record, "fields", ()))
        running = recording.get()
        fields["requestId"] = "" if running is None else running.request_id
        secrets = said_in(running)
        if record.exc_info is not None and record.exc_info[1] is not None:
            fields["error"] = error_as_data(record.exc_info[1], secrets)
        try:
            message = without_secrets(record.getMessage(), secrets)
        except (TypeError, ValueError):  # whoever logged gave arguments that do not fit
            message = str(record.msg)
        self._lines.event(record.levelno, record.name, message, fields)


class Logs:
    """The log of this process while it serves, a context manager: all that is logged goes to one place, in one form.

    Args:
        descriptor: Where lines go.
    """

    def __init__(self, settings: Settings, descriptor: int = 2) -> None:
        as_text = settings.log_format == "text" or (
            settings.log_format is None and (settings.development or os.isatty(descriptor))
        )
        level = LEVELS[settings.log_level]
        self.lines = Lines(descriptor, as_json=not as_text, level=level)
        self._handler = Handler(self.lines)
        self._root = logging.getLogger()
        self._before = (self._root.handlers[:], self._root.level)
        self._root.handlers[:] = [self._handler]
        # Other packages' chatter tells of URLs and headers, which must not be here.
        self._root.setLevel(max(level, logging.WARNING))
        logging.getLogger("tripgate").setLevel(level)
        logging.captureWarnings(capture=True)

    def __enter__(self) -> Lines:
        return self.lines

    def __exit__(self, *_: object) -> None:
        """Write what waits and put back what was before."""
        logging.captureWarnings(capture=False)
        self._root.handlers[:], level = self._before
        self._root.setLevel(level)
        logging.getLogger("tripgate").setLevel(logging.NOTSET)
        self.lines.close()


def unhandled(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """What the event loop does with a failure that nobody waited for: the default would log what the task held."""
    logging.getLogger("tripgate.unhandled").error(
        "%s", context.get("message", "unhandled"), exc_info=context.get("exception")
    )


class _Clock:
    """Times as ISO 8601 in UTC, to the millisecond; the second is written once."""

    def __init__(self) -> None:
        self._second = -1
        self._text = ""

    def text(self, seconds: float) -> str:
        whole = int(seconds)
        if whole != self._second:
            self._text, self._second = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(whole)), whole
        return f"{self._text}.{int((seconds - whole) * 1000):03d}Z"


_clock = _Clock()


def _as_json(now: float, level: str, logger: str, message: str, fields: dict[str, Any]) -> bytes:
    line = {"time": _clock.text(now), "level": level, "logger": logger, "message": message, **fields}
    return orjson.dumps(line, default=str, option=orjson.OPT_APPEND_NEWLINE)


def _as_text(now: float, level: str, logger: str, message: str, fields: dict[str, Any]) -> bytes:
    shown = dict(fields)
    error = shown.pop("error", None)
    rest = " ".join(f"{name}={_shown(value)}" for name, value in shown.items())
    text = f"{_clock.text(now)} {level.upper():7} {logger}: {message}{' ' if rest else ''}{rest}\n"
    while error is not None:
        text += "".join(f"    {frame}\n" for frame in error["trace"]) + f"    {error['type']}: {error['message']}\n"
        error = error.get("cause")
    return text.encode(errors="backslashreplace")


def _shown(value: object) -> str:
    return value if isinstance(value, str) else orjson.dumps(value, default=str).decode()
