"""Does tasks of the kind `count`, as an Edge Function does: claims, works a moment, finishes; until it is ended.

`python -m tests.jobs.worker REST_URL SECRET_KEY LOG` writes a line for each step: `began`, `done` or `lost`, and which
task.
"""

import json
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

_WORK_SECONDS = 0.01
_IDLE_SECONDS = 0.05


class Worker:
    """One that calls with a secret key."""

    def __init__(self, url: str, key: str, log: Path) -> None:
        self._url = url
        self._key = key
        self._log = log.open("a", buffering=1, encoding="ascii")

    def call(self, function: str, **arguments: Any) -> Any:
        """What a function answers; an HTTPError where it refuses."""
        request = urllib.request.Request(
            f"{self._url}/rpc/{function}",
            json.dumps(arguments).encode(),
            {"apikey": self._key, "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            body = answer.read()
        return json.loads(body) if body else None

    def run(self) -> None:
        """Without end."""
        while True:
            tasks = self.call("claim_tasks", kinds=["count"], most=5, lease_seconds=4)
            for task in tasks:
                self.do(task)
            if not tasks:
                time.sleep(_IDLE_SECONDS)

    def do(self, task: dict[str, Any]) -> None:
        """One task."""
        self.say("began", task)
        time.sleep(_WORK_SECONDS)
        try:
            self.call("finish_task", task=task["id"], token=task["token"])
        except urllib.error.HTTPError as refused:
            if json.loads(refused.read())["code"] != "CONFLICT":
                raise
            self.say("lost", task)
        else:
            self.say("done", task)

    def say(self, step: str, task: dict[str, Any]) -> None:
        """Write a step down."""
        self._log.write(f"{step} {task['id']}\n")


if __name__ == "__main__":
    Worker(sys.argv[1], sys.argv[2], Path(sys.argv[3])).run()
