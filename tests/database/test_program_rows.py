"""Rows that are part of the program: one file makes them, migrations bring them, `--check` finds where they differ."""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
from click.testing import CliRunner

from tests.database.test_migrations import files, tripgate_migration
from tripgate.cli import main
from tripgate.local import database, migrations, program_rows, schema_changes, scratch
from tripgate.local.errors import LocalStackError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tripgate.local.stack import StackInfo

ROOT = Path(__file__).parents[2]

SCHEMA = """\
create schema private;
create table private.plans (
    key text primary key, name text not null, price numeric, terms jsonb, created_at timestamptz not null default now()
);
create table private.prices (
    plan text references private.plans, country text, price numeric, primary key (plan, country)
);
create table public.notes (id int primary key, text text);
revoke all on public.notes from anon, authenticated, service_role;
"""
PLANS = """\
-- What is sold.
-- rows of private.plans by key: name, price, terms
insert into private.plans (key, name, price, terms) values
    ('free', 'Free', 0, '{"trips": 3, "people": 1}'),
    ('pro', 'Pro', 9.90, null)
on conflict (key) do update set name = excluded.name, price = excluded.price, terms = excluded.terms;
"""
PRICES = """\
-- rows of private.prices by plan, country: price where country <> 'XX'
insert into private.prices values ('pro', 'IT', 8), ('pro', 'JP', 1500)
on conflict (plan, country) do update set price = excluded.price;
delete from private.prices where (plan, country) not in (('pro', 'IT'), ('pro', 'JP')) and country <> 'XX';
"""


@pytest.fixture(scope="module")
def server() -> Iterator[scratch.Scratch]:
    with scratch.scratch() as server:
        yield server


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory, server: scratch.Scratch) -> Path:
    """A tiny project with its first migration, made on the cluster that is at hand."""
    folder = tmp_path_factory.mktemp("begun")
    for name in ("schemas", "program", "migrations"):
        (folder / "supabase" / name).mkdir(parents=True)
    (folder / "supabase/schemas/001_core_tables.sql").write_text(SCHEMA)
    write(folder, "001_plans", PLANS)
    write(folder, "002_prices", PRICES)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(migrations, "scratch", lambda: contextlib.nullcontext(server))
        written = tripgate_migration(folder, "first")
    assert written.exit_code == 0, written.stderr
    return folder


@pytest.fixture
def project(begun: Path, tmp_path: Path, server: scratch.Scratch, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it, on the same cluster."""
    monkeypatch.setattr(migrations, "scratch", lambda: contextlib.nullcontext(server))
    monkeypatch.setattr(schema_changes, "scratch", lambda: contextlib.nullcontext(server))
    shutil.copytree(begun / "supabase", tmp_path / "supabase")
    return tmp_path


def write(project: Path, name: str, text: str) -> None:
    (project / f"supabase/program/{name}.sql").write_text(text)


def newest(project: Path) -> str:
    return (project / "supabase/migrations" / files(project)[-1]).read_text()


def made(server: scratch.Scratch, project: Path) -> str:
    """A database as the migrations make it."""
    return server.database(migrations.migration_files(project))


def rows(url: str, query: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url) as connection:
        return connection.execute(query).fetchall()  # type: ignore[call-overload]


def run(url: str, statement: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute(statement)  # type: ignore[call-overload]


def check(project: Path, url: str) -> tuple[int, str]:
    result = CliRunner().invoke(main, ["migration", "--check", "--project-dir", str(project), "--database-url", url])
    return result.exit_code, result.output


def test_this_projects_migrations_make_the_rows_of_its_program(server: scratch.Scratch) -> None:
    want = program_rows.wanted(database.program_files(ROOT), lambda: server.database(database.schema_files(ROOT)))
    with psycopg.connect(server.database(migrations.migration_files(ROOT)), autocommit=True) as connection:
        assert list(program_rows.differences(want, connection)) == []


def test_each_job_of_the_program_is_valid_sql_that_ends_well(server: scratch.Scratch) -> None:
    with psycopg.connect(server.database(database.project_files(ROOT)), autocommit=True) as connection:
        jobs = connection.execute("select jobname, command, active from cron.job order by jobname").fetchall()
        assert [name for name, _, _ in jobs] == [
            "ai-end-lost-runs",
            "ai-forget-expired-memories",
            "payments-expire-reservations",
            "payments-prune-reservations",
            "payments-recover-events",
            "payments-recover-old-events",
            "tripgate-prune-invitations",
            "tripgate-prune-notifications",
            "tripgate-prune-runs",
            "tripgate-prune-tasks",
            "tripgate-ring-tasks",
            "whatsapp-prune",
            "whatsapp-prune-jobs",
            "whatsapp-settle-unknown",
        ]
        for _, command, active in jobs:
            assert active
            connection.execute(command)


def test_a_stack_has_them_and_runs_no_job_where_tests_want_none(seeded: StackInfo, server: scratch.Scratch) -> None:
    want = program_rows.wanted(database.program_files(ROOT), lambda: server.database(database.schema_files(ROOT)))
    with psycopg.connect(seeded.db_url, autocommit=True) as connection:
        assert list(program_rows.differences(want, connection)) == []
        of_the_program = "select distinct active from cron.job where jobname ~ '^(tripgate|payments)-'"
        assert connection.execute(of_the_program).fetchall() == [(False,)]


def test_the_first_migration_brings_them(project: Path, server: scratch.Scratch) -> None:
    assert newest(project).count("-- From program/") == 2
    url = made(server, project)
    assert rows(url, "select key, name, price::text from private.plans order by key") == [
        ("free", "Free", "0"),
        ("pro", "Pro", "9.90"),
    ]
    assert tripgate_migration(project, "--check").exit_code == 0
    assert tripgate_migration(project, "again").stdout == "Nothing changed.\n"
    assert check(project, url) == (
        0,
        "Migrations and schemas make the same database.\nThe database has the rows that are part of the program.\n",
    )


def test_a_changed_file_is_a_migration_and_no_other(project: Path, server: scratch.Scratch) -> None:
    write(project, "001_plans", PLANS.replace("9.90", "9.95"))
    checked = tripgate_migration(project, "--check")
    assert checked.exit_code == 1
    assert 'private.plans "pro": price is 9.95 in supabase/program, 9.90 in the migrations' in checked.stderr
    assert tripgate_migration(project, "dearer").exit_code == 0
    assert newest(project).strip() == f"-- From program/001_plans.sql\n\n{PLANS.replace('9.90', '9.95').strip()}"
    assert tripgate_migration(project, "--check").exit_code == 0
    assert rows(made(server, project), "select price::text from private.plans where key = 'pro'") == [("9.95",)]


def test_a_remark_alone_is_no_migration(project: Path) -> None:
    write(project, "001_plans", f"-- Prices in EUR.\n{PLANS}")
    assert tripgate_migration(project, "nothing").stdout == "Nothing changed.\n"


def test_tables_and_their_rows_come_in_one_migration(project: Path) -> None:
    schemas = project / "supabase/schemas/002_sorts.sql"
    schemas.write_text("create table private.sorts (name text primary key);\n")
    write(
        project,
        "003_sorts",
        "-- rows of private.sorts by name\ninsert into private.sorts values ('a') on conflict do nothing;\n",
    )
    assert tripgate_migration(project, "sorts").exit_code == 0
    assert newest(project).index("CREATE TABLE") < newest(project).index("-- From program/003_sorts.sql")
    assert tripgate_migration(project, "--check").exit_code == 0


def test_a_row_that_is_not_declared_any_more_is_deleted_by_its_file(project: Path, server: scratch.Scratch) -> None:
    write(project, "002_prices", PRICES.replace("('pro', 'IT', 8), ", "").replace("('pro', 'IT'), ", ""))
    assert tripgate_migration(project, "fewer").exit_code == 0
    assert rows(made(server, project), "select country from private.prices") == [("JP",)]


def test_or_the_migration_is_refused(project: Path) -> None:
    before = files(project)
    write(project, "001_plans", PLANS.replace("('free', 'Free', 0, '{\"trips\": 3, \"people\": 1}'),\n    ", ""))
    refused = tripgate_migration(project, "fewer")
    assert refused.exit_code == 1
    assert 'private.plans "free": only in the migrations; 001_plans.sql does not declare it' in refused.stderr
    assert files(project) == before


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        ("delete from private.prices where country = 'IT'", ['private.prices "pro", "IT": missing in the database']),
        (
            "update private.plans set name = 'Pro+', created_at = '2020-01-01'",
            [
                'private.plans "free": name is "Free" in the program, "Pro+" in the database',
                'private.plans "pro": name is "Pro" in the program, "Pro+" in the database',
            ],
        ),
        (
            "update private.plans set terms = '{}' where key = 'pro'",
            ['private.plans "pro": terms is null in the program, {} in the database'],
        ),
        (
            "insert into private.plans (key, name) values ('gold', 'Gold')",
            ['private.plans "gold": only in the database; 001_plans.sql does not declare it'],
        ),
        ("insert into private.prices values ('pro', 'XX', 1)", []),
        (
            "update private.plans set price = 9.9 where key = 'pro'",
            ['private.plans "pro": price is 9.90 in the program, 9.9 in the database'],
        ),
        (
            "drop table private.prices",
            ['private.prices: the database does not have it (relation "private.prices" does not exist)'],
        ),
    ],
)
def test_a_database_is_compared(project: Path, server: scratch.Scratch, statement: str, found: list[str]) -> None:
    url = made(server, project)
    run(url, statement)
    code, said = check(project, url)
    assert code == (1 if found else 0)
    assert [line.strip() for line in said.splitlines() if line.startswith("  ")] == found


def test_it_is_only_read(project: Path, server: scratch.Scratch) -> None:
    url = made(server, project)
    run(url, f"alter database {url.partition('?')[0].rpartition('/')[2]} set default_transaction_read_only = on")
    assert check(project, url)[0] == 0


def test_a_database_is_given_to_be_checked_alone(project: Path) -> None:
    refused = tripgate_migration(project, "more", "--database-url", "postgresql://127.0.0.1:1/")
    assert (refused.exit_code, "give --database-url with --check" in refused.stderr) == (2, True)


def test_a_database_that_does_not_answer_is_told(project: Path) -> None:
    code, said = check(project, "postgresql://postgres@127.0.0.1:1/postgres")
    assert (code, "The database does not answer" in said) == (1, True)


def test_jobs_come_by_their_file_alone(project: Path, server: scratch.Scratch) -> None:
    """The differ would write them too, and take back what somebody else has scheduled."""
    extension = "create extension if not exists pg_cron with schema pg_catalog;\n"
    (project / "supabase/schemas/002_jobs.sql").write_text(extension)
    remark = "-- rows of cron.job by jobname: schedule, command where jobname like 'tripgate-%'\n"
    write(project, "002_jobs", f"{remark}select cron.schedule('tripgate-look', '* * * * *', 'select 1 -- a; b');\n")
    assert tripgate_migration(project, "jobs").exit_code == 0
    assert newest(project).count("tripgate-look") == 1
    url = made(server, project)
    run(url, "select cron.schedule('theirs', '* * * * *', 'select 2'), cron.schedule('@daily', 'select 3')")
    run(url, "select cron.alter_job(jobid, active => false) from cron.job where jobname = 'theirs'")
    assert check(project, url)[0] == 0
    (project / "supabase/schemas/003_more.sql").write_text("comment on table private.plans is 'What is sold.';\n")
    change = schema_changes.propose(project, url)
    assert "cron." not in change.whole
    schema_changes.apply(change, url)
    assert rows(url, "select jobname, active from cron.job order by jobid") == [
        ("tripgate-look", True),
        ("theirs", False),
        (None, True),
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("insert into private.plans values ('a', 'A');", "does not say whose rows it has"),
        ("-- rows of plans by key\n", "line 1: write `-- rows of <schema>.<table> by <key>"),
        ("\n-- rows of private.plans\n", "line 2: write"),
        ("-- rows of private.plans by key: name\n", "001_plans.sql has the rows of private.plans already"),
        ("-- rows of private.plans by key: name where key = 'a'\n", "each says which by `where <SQL>`"),
        ("-- rows of public.notes by id: words\n", 'column "words" does not exist'),
        ("-- rows of public.notes by id: text\ninsert into public.notes values (1, 'a')", "applied again"),
        (
            "-- rows of public.notes by id: text\ninsert into public.notes select count(*) + 1 from public.notes",
            'public.notes 2: only in when it is applied again',
        ),
        (
            "-- rows of public.notes by id\ninsert into private.prices values ('pro', 'FR', 1) on conflict do nothing",
            "writes rows of private.prices: say so by a line `-- rows of private.prices by …`",
        ),
        ("-- rows of public.notes by id\ninsert into notes vales (1)", "line 2: syntax error"),
    ],
)  # fmt: skip
def test_a_file_that_does_not_keep_its_word_is_refused(project: Path, text: str, message: str) -> None:
    write(project, "009_wrong", text)
    for arguments in (["--check"], ["wrong"]):
        refused = tripgate_migration(project, *arguments)
        assert refused.exit_code == 1
        assert message in refused.stderr


def test_dev_proposes_and_applies_them(project: Path, server: scratch.Scratch) -> None:
    url = made(server, project)
    run(url, "insert into private.plans (key, name) values ('gold', 'Somebody tries something')")
    assert schema_changes.propose(project, url).whole == ""
    write(project, "001_plans", PLANS.replace("9.90", "9.95"))
    change = schema_changes.propose(project, url)
    assert change.whole.startswith("-- From program/001_plans.sql")
    assert change.losses == []
    assert rows(url, "select price::text from private.plans where key = 'pro'") == [("9.90",)]
    schema_changes.apply(change, url)
    assert rows(url, "select price::text from private.plans where key = 'pro'") == [("9.95",)]
    assert schema_changes.propose(project, url).whole == ""


def test_dev_tells_what_the_data_do_not_allow(project: Path, server: scratch.Scratch) -> None:
    url = made(server, project)
    run(url, "create unique index on private.plans (name)")
    (project / "supabase/schemas/002_more.sql").write_text(
        "create unique index plans_name_idx on private.plans (name);\n"
    )
    write(project, "001_plans", PLANS.replace("'Free'", "'Pro'"))
    with pytest.raises(LocalStackError, match="duplicate key value"):
        schema_changes.propose(project, url)


def test_a_stage_has_its_rows_without_those_behind_it(server: scratch.Scratch) -> None:
    """The number of a file is that of its stage, of whose tables and those before it are its rows."""
    schemas = database.schema_files(ROOT)
    for file in database.program_files(ROOT):
        number = file.name[:3]
        before = [each for each in schemas if each.name[:3] <= number or each.name.startswith("9")]
        before = [each for each in before if not each.name.startswith("9") or each.name[1:3] <= number[1:3]]
        program_rows.wanted([file], lambda before=before: server.database(before))  # type: ignore[misc]
