"""`tripgate schema`: the schema may grow, but may not break the clients of the last release without saying so."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from tripgate.cli import main
from tripgate.commands import releases
from tripgate.gateway.schema import schema

SCHEMA = f"{schema()}\n"
UPDATED = '  """When the trip last changed."""\n  updatedAt: DateTime!\n'
INVITATIONS = "  myInvitations: [Invitation!] @semanticNonNull\n"
TRIP = "type Trip implements Node @cacheControl(maxAge: 30, scope: PRIVATE) {\n"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project of version 1.2.3 with this program's schema, which is what 1.2.3 was released with."""
    monkeypatch.chdir(tmp_path)
    Path("schema.graphql").write_text(SCHEMA)
    of_version("1.2.3")
    released("1.2.3", SCHEMA)
    return tmp_path


def of_version(version: str) -> None:
    Path("pyproject.toml").write_text(f'[project]\nversion = "{version}"\n')


def released(version: str, sdl: str) -> None:
    Path("releases").mkdir(exist_ok=True)
    Path("releases", f"{version}.graphql").write_text(sdl)


def tripgate_schema(option: str) -> tuple[int, list[str]]:
    """The exit code, and what was said."""
    result = CliRunner().invoke(main, ["schema", option])
    return result.exit_code, result.output.splitlines()


def with_field(sdl: str) -> str:
    """The schema as it would be had trips one more field."""
    assert TRIP in sdl
    return sdl.replace(TRIP, TRIP + "  nickname: String\n")


def without_field(sdl: str) -> str:
    """The schema as it would be did nobody keep when a trip changed."""
    assert UPDATED in sdl
    return sdl.replace(UPDATED, "")


def test_the_schema_of_the_last_release_passes(project: Path) -> None:
    assert tripgate_schema("--check") == (0, [])


def test_what_is_new_since_the_last_release_passes(project: Path) -> None:
    released("1.2.3", without_field(SCHEMA))
    assert tripgate_schema("--check") == (0, [])


def test_a_field_that_is_gone_fails_and_tells_what_to_do(project: Path) -> None:
    released("1.2.3", with_field(SCHEMA))
    assert tripgate_schema("--check") == (
        1,
        [
            "Error: This breaks clients of 1.2.3:",
            "  Field Trip.nickname was removed.",
            "Keep what was released and mark it with `deprecated=`; or, if the break is meant, raise the version in "
            "pyproject.toml to 2.0.0.",
        ],
    )


@pytest.mark.parametrize(
    ("last", "this", "code"),
    [("1.2.3", "1.3.0", 1), ("1.2.3", "2.0.0", 0), ("0.2.3", "0.2.4", 1), ("0.2.3", "0.3.0", 0), ("0.9.0", "1.0.0", 0)],
)
def test_only_a_version_that_says_so_may_break(project: Path, last: str, this: str, code: int) -> None:
    Path("releases/1.2.3.graphql").unlink()
    released(last, with_field(SCHEMA))
    of_version(this)
    assert tripgate_schema("--check")[0] == code


def test_the_newest_release_counts_by_number_not_by_name(project: Path) -> None:
    released("1.10.0", with_field(SCHEMA))
    released("1.9.0", SCHEMA)
    assert tripgate_schema("--check")[1][0] == "Error: This breaks clients of 1.10.0:"


def test_what_may_surprise_a_client_is_reported_and_passes(project: Path) -> None:
    member = "enum ChangeOperation {\n  INSERT\n"
    assert member in SCHEMA
    released("1.2.3", SCHEMA.replace(member, "enum ChangeOperation {\n"))
    assert tripgate_schema("--check") == (
        0,
        ["Since the last release: Enum value ChangeOperation.INSERT was added."],
    )


def never_null(sdl: str) -> str:
    """The schema as it would be could `myInvitations` not fail alone."""
    assert INVITATIONS in sdl
    return sdl.replace(INVITATIONS, "  myInvitations: [Invitation!]!\n", 1)


def breaks(sdl: str) -> list[str]:
    """What of a schema breaks the clients of the last release."""
    with pytest.raises(releases.ReleaseError) as refused:
        releases.check(sdl)
    return [line.strip() for line in str(refused.value).splitlines() if line.startswith("  ")]


def test_what_can_be_null_now_but_beside_an_error_alone_is_reported_and_passes(project: Path) -> None:
    released("1.2.3", never_null(SCHEMA))
    assert tripgate_schema("--check") == (
        0,
        ["Since the last release: Field Query.myInvitations can be null, beside an error alone (@semanticNonNull)."],
    )


def test_so_is_it_of_a_release_that_knew_no_such_nulls(project: Path) -> None:
    before, _, rest = never_null(SCHEMA).partition('"""\nNull here comes with an error')
    _, definition, after = rest.partition(" = [0]) on FIELD_DEFINITION\n")
    assert definition
    released("1.2.3", (before + after).replace(" @semanticNonNull", ""))
    assert (
        "Since the last release: Field Query.myInvitations can be null, beside an error alone (@semanticNonNull)."
        in tripgate_schema("--check")[1]
    )


@pytest.mark.parametrize("last", [SCHEMA, never_null(SCHEMA)])
def test_what_can_be_null_without_an_error_breaks(project: Path, last: str) -> None:
    released("1.2.3", last)
    assert breaks(SCHEMA.replace(INVITATIONS, "  myInvitations: [Invitation!]\n", 1)) == [
        "Field Query.myInvitations changed type from [Invitation!]! to [Invitation!]."
    ]


def test_levels_are_those_of_lists_inside_the_field(project: Path) -> None:
    released("1.2.3", SCHEMA.replace(INVITATIONS, "  myInvitations: [Invitation!]! @semanticNonNull(levels: [0])\n", 1))
    inside = SCHEMA.replace(INVITATIONS, "  myInvitations: [Invitation] @semanticNonNull(levels: [0, 1])\n", 1)
    assert releases.check(inside) == [
        "Field Query.myInvitations can be null, beside an error alone (@semanticNonNull)."
    ]
    assert breaks(inside.replace("(levels: [0, 1])", "(levels: [1])")) == [
        "Field Query.myInvitations changed type from [Invitation!]! to [Invitation!]."
    ]


def test_drift_is_found_first(project: Path) -> None:
    Path("schema.graphql").write_text(with_field(SCHEMA))
    assert tripgate_schema("--check") == (
        1,
        ["Error: schema.graphql differs from the types. Run `make schema` and commit what it writes."],
    )


def test_a_release_is_written_once(project: Path) -> None:
    of_version("1.2.4")
    assert tripgate_schema("--release") == (0, ["Wrote releases/1.2.4.graphql."])
    assert Path("releases/1.2.4.graphql").read_text() == SCHEMA
    assert tripgate_schema("--release") == (
        1,
        ["Error: releases/1.2.4.graphql is there already. Raise the version in pyproject.toml first."],
    )


def test_a_release_that_breaks_is_not_written(project: Path) -> None:
    released("1.2.3", with_field(SCHEMA))
    of_version("1.2.4")
    assert tripgate_schema("--release")[0] == 1
    assert not Path("releases/1.2.4.graphql").exists()
