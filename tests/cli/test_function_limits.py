"""The limits of Edge Functions, as the environment says them."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from tripgate.cli import main


@pytest.mark.parametrize("command", ["dev", "local"])
@pytest.mark.parametrize("value", ["", "soon", "0", "-1", "inf", "nan"])
@pytest.mark.parametrize("name", ["TRIPGATE_FUNCTION_WALL_SECONDS", "TRIPGATE_FUNCTION_CPU_SECONDS"])
def test_what_is_no_number_of_seconds_stops_the_start(tmp_path: Path, command: str, name: str, value: str) -> None:
    arguments = [command, "--data-dir", str(tmp_path / "data"), "--project-dir", str(tmp_path)]
    done = CliRunner().invoke(main, arguments, env={name: value})
    assert done.exit_code == 2, done.output
    assert f"{name.rpartition('_')[0]}_SECONDS" in done.output
    assert "are numbers of seconds above 0, as in 400." in done.output
    assert not (tmp_path / "data").exists()
