"""The checks of types and tables know all kinds of columns and keys, views and other schemas."""

import subprocess
import sys

from tripgate.local.stack import StackInfo


def told(stack: StackInfo) -> list[str]:
    command = [sys.executable, "-m", "tests.kinds.conforming"]
    done = subprocess.run(command, input=stack.admin_db_url, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def test_types_and_tables_of_every_kind_agree(samples: StackInfo) -> None:
    """This project makes by hand only some of what `make schema` writes: that is told, and of the types nothing."""
    lines = told(samples)
    assert [
        line for line in lines if line.startswith("error") and "needs what is not there: function" not in line
    ] == []
    texts = "\n".join(lines)
    assert "Type TextSample needs what is not there: function whole_text_samples." in texts
    assert "MeetingMark has no field for meetings.marks.user_id, which signed-in people may read." in texts
    assert (
        "No index of meetings.marks begins with meeting_id, which Meeting.marks and deleting from meetings.meetings "
        "look through. Run: create index on meetings.marks (meeting_id)."
    ) in texts
