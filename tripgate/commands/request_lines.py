"""What `tripgate dev` says of each request, from the log of its gateway."""

import json
import re
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from threading import Event, Thread
from typing import Any

_LOOK_SECONDS = 0.1
_LINE = re.compile(r"(\S+) (\w+) +([\w.]+): (.*)")
_FIELD = re.compile(r"(\w+)=(\S+)")
_WORTH_SAYING = {"WARNING", "ERROR", "CRITICAL"}


class RequestLines:
    """Reads a log while it grows, and says a line for each request; a context manager.

    Args:
        say: Called with each line.
    """

    def __init__(self, log: Path, say: Callable[[str], None]) -> None:
        self._log = log
        self._say = say
        self._stop = Event()
        self._thread = Thread(target=self._follow, name="requests", daemon=True)

    def __enter__(self) -> "RequestLines":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _follow(self) -> None:
        rest = b""
        with self._log.open("rb") as file:
            while True:
                last = self._stop.is_set()
                *lines, rest = (rest + file.read()).split(b"\n")
                for line in lines:
                    said = summary(line.decode(errors="replace"))
                    if said is not None:
                        self._say(said)
                if last:
                    return
                self._stop.wait(_LOOK_SECONDS)


def summary(line: str) -> str | None:
    """What is said of a line of the gateway's log, as text or as JSON; None where it is no request and no warning."""
    time, level, logger, message, fields = _parts(line)
    if logger == "tripgate.requests":
        kind = fields.get("kind", "request")
        name = fields.get("operation", "")
        errors = fields.get("errors") or []
        codes = ", ".join(json.loads(errors) if isinstance(errors, str) else errors)
        took = f"{float(fields['ms']):9.1f} ms"
        return "  ".join([_clock(time), f"{kind:<12} {name:<28}", f"{fields.get('status')!s:>9}", took, codes]).rstrip()
    if level.upper() in _WORTH_SAYING:
        return f"{_clock(time)}  {level.lower()}: {message}"
    return None


def _clock(time: str) -> str:
    """The time of day here."""
    return datetime.fromisoformat(time).astimezone().strftime("%H:%M:%S")


def _parts(line: str) -> tuple[str, str, str, str, dict[str, Any]]:
    if line.startswith("{"):
        try:
            found = json.loads(line)
            return found["time"], found["level"], found["logger"], found["message"], found
        except (ValueError, KeyError):
            return "", "", "", "", {}
    match = _LINE.fullmatch(line)
    if match is None:
        return "", "", "", "", {}
    return match[1], match[2], match[3], match[4], dict(_FIELD.findall(match[4]))
