"""Documentation that cannot lie: every setting, error code and command is documented, and nothing else is."""

import re
from pathlib import Path

import click
import pytest
from graphql import GraphQLInputObjectType, GraphQLInterfaceType, GraphQLObjectType

from gql.errors import RAISED_CODES, ErrorCode
from tripgate.cli import main
from tripgate.gateway.schema import graphql_schema
from tripgate.gateway.settings import Settings, environment_names
from tripgate.local.functions.declarations import declarations

ROOT = Path(__file__).parent.parent.parent


def first_column(page: str) -> list[str]:
    """The names in the first column of the page's tables."""
    rows = re.findall(r"^\| (`.*?) \|", (ROOT / page).read_text(), flags=re.MULTILINE)
    return [name for row in rows for name in re.findall(r"`([^`]+)`", row)]


def test_every_setting_is_documented_with_its_default() -> None:
    names = environment_names()
    variables = [variable for variables in names.values() for variable in variables]
    assert sorted(first_column("docs/settings.md")) == sorted(variables)
    text = (ROOT / "docs/settings.md").read_text()
    for name, field in Settings.model_fields.items():
        default = "required" if field.is_required() else "unset" if field.default is None else f"`{field.default}`"
        assert f"| `{names[name][-1]}` | {default} | {field.description} |" in text.replace(
            " or ".join(f"`{each}`" for each in names[name]), f"`{names[name][-1]}`"
        )


def test_every_variable_that_the_functions_read_is_documented() -> None:
    read = set()
    for source in (ROOT / "supabase/functions").rglob("*.ts"):
        if not source.name.endswith((".test.ts", "testing.ts")):
            read |= set(re.findall(r'\b(?:env\.|env\.get\("|env\["|required\(")([A-Z][A-Z0-9_]*)', source.read_text()))
    assert {"MAIL_URL", "SITE_URL"} < read
    declared = declarations(ROOT / "supabase/functions")
    assert sorted(first_column("docs/functions.md")) == sorted(read | set(declared))
    page = (ROOT / "docs/functions.md").read_text()
    for name, each in declared.items():
        default = "required" if each.required else "unset" if each.default is None else f"`{each.default}`"
        assert f"| `{name}` | {default} | {each.description} |" in page


def test_every_error_code_is_documented() -> None:
    assert sorted(first_column("docs/errors.md")) == sorted(code.value for code in ErrorCode)


def test_what_functions_may_say_is_documented_and_the_same_for_both_kinds_of_them() -> None:
    page = (ROOT / "docs/errors.md").read_text()
    paragraph = page[page.index("One list says") : page.index("Any other is a mistake")]
    documented: dict[str, int] = {}
    for names, status in re.findall(r"((?:[A-Z_]+(?:, | and |,? *\n *)?)+(?: and\n *[A-Z_]+)?) \((\d{3})\)", paragraph):
        documented |= dict.fromkeys(re.findall(r"[A-Z_]{3,}", names), int(status))
    typescript = (ROOT / "supabase/functions/_shared/errors.ts").read_text()
    statuses = {name: int(status) for name, status in re.findall(r"^  ([A-Z_]+): (\d{3}),$", typescript, re.MULTILINE)}
    # A function's own, which the gateway does not pass on.
    own = {"METHOD_NOT_ALLOWED": 405, "REQUEST_TIMEOUT": 408, "PAYLOAD_TOO_LARGE": 413, "INTERNAL_SERVER_ERROR": 500}
    assert {name: statuses.pop(name) for name in own} == own
    assert documented == statuses
    assert set(documented) == {code.value for code in RAISED_CODES}


def test_every_reason_of_a_conflict_is_given_and_documented() -> None:
    page = (ROOT / "docs/errors.md").read_text()
    table = page[page.index("### Reasons of a CONFLICT") : page.index("## HTTP statuses")]
    sources = [
        *(ROOT / "supabase/schemas").glob("*.sql"),
        *(ROOT / "supabase/functions").rglob("*.ts"),
        *(ROOT / "resolvers").rglob("*.py"),
        *(ROOT / "tripgate/gateway").rglob("*.py"),
        *(ROOT / "tripgate/upstream").rglob("*.py"),
    ]
    given = {"OTHER"}  # of functions that give none: tests/gateway/test_refusals.py
    for source in sources:
        if source.name.endswith((".test.ts", "testing.ts")):
            continue
        refusals = (
            r"""(?:refuse|ApiError)\(\s*['"]CONFLICT['"].*?\);|(?:Error|__init__)\([^()]*ErrorCode\.CONFLICT.*?\)\n"""
        )
        for call in re.findall(refusals, source.read_text(), re.DOTALL):
            (reason,) = re.findall(r"""["']?reason["']?(?:: *|=)["']([A-Z_]+)["']""", call)
            given.add(reason)
    assert sorted(re.findall(r"^\| ([A-Z_]+) \|", table, re.MULTILINE)) == sorted(given)


def test_every_function_of_the_database_refuses_by_the_helper() -> None:
    """But for the rules of a check and of policies, which triggers keep in their place, what Postgres itself would say
    of two who write at once, what the gateway alone writes and reads, and what is told to whoever runs the project."""
    raised = {
        (source.name, found)
        for source in (ROOT / "supabase/schemas").glob("*.sql")
        for found in re.findall(r"^ *raise ((?:sqlstate )?\S+)", source.read_text(), re.MULTILINE)
    }
    assert {(name, found) for name, found in raised if found != "check_violation"} == {
        ("001_core_tables.sql", "sqlstate 'PGRST'"),
        ("003_advanced_tables.sql", "insufficient_privilege"),
        ("003_advanced_tables.sql", "serialization_failure"),
        ("004_common_1_tables.sql", "exception"),
        ("900_writes.sql", "sqlstate 'PT412'"),
        ("900_writes.sql", "insufficient_privilege"),
        ("900_writes.sql", "undefined_column"),
        # Storage hears it, which tells whoever uploads of this state alone.
        ("911_storage_files.sql", "insufficient_privilege"),
    }


def test_every_command_is_in_the_readme() -> None:
    named = {name.split()[1] for name in first_column("README.md") if name.startswith("tripgate ")}
    assert named == set(main.commands) - {"dev"}
    targets = set(re.findall(r"^([a-z]+):.*##", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    assert {name.split()[1] for name in first_column("README.md") if name.startswith("make ")} <= targets


def test_every_link_leads_somewhere() -> None:
    for page in [
        ROOT / "README.md",
        ROOT / "CHANGELOG.md",
        ROOT / "SECURITY.md",
        *(ROOT / "docs").rglob("*.md"),
        *(ROOT / "bench").glob("*.md"),
    ]:
        for link in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text()):
            if not link.startswith("http"):
                assert (page.parent / link).exists(), f"{page.name} links to {link}"


def test_every_type_and_field_has_a_description() -> None:
    missing = []
    for name, type_ in graphql_schema().type_map.items():
        if name.startswith("__") or name in {"String", "Int", "Float", "Boolean", "ID"}:
            continue
        if not type_.description:
            missing.append(name)
        if isinstance(type_, GraphQLObjectType | GraphQLInterfaceType | GraphQLInputObjectType):
            missing += [f"{name}.{key}" for key, field in type_.fields.items() if not field.description]
    assert missing == []


@pytest.mark.parametrize("command", sorted(main.commands))
def test_every_command_explains_itself(command: str) -> None:
    assert main.commands[command].help
    for parameter in main.commands[command].params:
        if isinstance(parameter, click.Option):
            assert parameter.help, f"{command} {parameter.name}"


def test_the_architecture_has_few_words_of_its_own_and_short_decisions() -> None:
    sections = (ROOT / "docs/architecture.md").read_text().split("\n## ")
    (words,) = (each for each in sections if each.startswith("Words"))
    terms = [term for row in re.findall(r"^\| ([^|]+) \| [^|-]", words, re.MULTILINE)[1:] for term in row.split(", ")]
    assert 0 < len(terms) <= 20, terms
    (decisions,) = (each for each in sections if each.startswith("Decisions"))
    for decision in decisions.split("\n\n")[1:]:
        prose = re.sub(r"`[^`]*`|\([^)]*\)", "", " ".join(decision.split()))
        sentences = re.findall(r"[.?!](?:\*\*)?(?= |$)", re.sub(r"^\*\*[^*]+\.\*\*", "", prose))
        assert len(sentences) <= 3, decision
