"""Starts a stack in a process of its own, for tests that kill it: `python supervisor_for_test.py PROJECT DATA_DIR`.

Writes the stack's addresses as one line of JSON when all is up, then waits.
"""

import dataclasses
import json
import os
import sys
from pathlib import Path

from tripgate.local.stack import Stack, StackOptions

if __name__ == "__main__":
    project, data_dir = sys.argv[1:]
    with Stack(StackOptions(Path(project), Path(data_dir), api_port=0)) as stack:
        assert stack.info is not None
        argv = [sys.executable, "-c", "import time; time.sleep(1000)", data_dir]
        stack.spawn("extra", argv, dict(os.environ))
        print(json.dumps(dataclasses.asdict(stack.info)), flush=True)
        print(json.dumps(stack.wait()), flush=True)
