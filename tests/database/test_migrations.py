"""Migrations and schemas make the same database, and the command that writes the next migration keeps it so."""

from __future__ import annotations

import contextlib
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner, Result

from tripgate.cli import main
from tripgate.local import catalog, database, migrations, scratch, supabase_cli
from tripgate.local.errors import LocalStackError

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]

# A change of every kind that a later stage brings, to what is there and beside it.
CHANGE = """\
alter table public.trips add column mood text not null default 'calm';
comment on column public.trips.mood is 'How the trip feels.';
grant update (mood) on public.trips to authenticated;
create policy "People can hide their completed trips" on public.trips
    as restrictive for select to authenticated using (mood <> 'hidden');
comment on policy "People can hide their completed trips" on public.trips is 'For the shy.';
alter table public.trips add constraint trips_mood_check check (char_length(mood) <= 20);
alter policy "Owners can delete their trips" on public.trips using (user_id = (select auth.uid()) and mood = 'bad');
create index idx_trips_mood on public.trips (mood);
drop index public.idx_trips_status;
alter table public.collection_places drop column notes;

create table public.moods (
    id uuid primary key default gen_random_uuid(),
    user_id uuid not null default auth.uid(),
    name text not null,
    updated_at timestamptz not null default now(),
    constraint fk_moods_user_id foreign key (user_id) references public.profiles (id) on delete cascade
);
revoke all on public.moods from anon, authenticated, service_role;
grant select on public.moods to authenticated;
grant insert (name) on public.moods to authenticated;
grant all on public.moods to service_role;
comment on table public.moods is 'A feeling.';
alter table public.moods enable row level security;
create policy "People can view their own moods" on public.moods
    for select to authenticated using (user_id = (select auth.uid()));
create trigger set_moods_updated_at before update on public.moods
    for each row execute function private.set_updated_at();
alter publication supabase_realtime add table public.moods;

create function public.best_mood(of_trip uuid) returns text language sql stable set search_path = '' as
    'select mood from public.trips where id = of_trip';
revoke all on function public.best_mood(uuid) from public, anon, authenticated, service_role;
grant execute on function public.best_mood(uuid) to authenticated;
comment on function public.best_mood(uuid) is 'How it feels.';
create or replace function private.my_trip_ids() returns setof uuid
language plpgsql stable security definer set search_path = '' as $$ begin return; end $$;

create view public.trip_moods with (security_invoker = true) as select id, mood from public.trips;
revoke all on public.trip_moods from anon, authenticated, service_role;
grant select on public.trip_moods to authenticated;
comment on view public.trip_moods is 'Feelings.';
comment on column public.trip_moods.mood is 'The traveller''s feeling.';

create policy "People can view pictures of moods" on storage.objects
    for select to authenticated using (bucket_id = 'moods');
create policy "People can hear of moods" on realtime.messages
    for select to authenticated using (realtime.topic() = 'moods');
"""


@pytest.fixture(scope="module")
def server() -> Iterator[scratch.Scratch]:
    """One cluster for all that is not about starting one."""
    with scratch.scratch() as server:
        yield server


@pytest.fixture
def at_hand(server: scratch.Scratch, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets `migrations` use that cluster too."""
    monkeypatch.setattr(migrations, "scratch", lambda: contextlib.nullcontext(server))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of this project's supabase/."""
    shutil.copytree(ROOT / "supabase", tmp_path / "supabase")
    return tmp_path


def change(project: Path, sql: str) -> None:
    (project / "supabase" / "schemas" / "990_change.sql").write_text(sql, encoding="utf-8")


def files(project: Path) -> list[str]:
    return sorted(file.name for file in (project / "supabase" / "migrations").iterdir())


def tripgate_migration(project: Path, *arguments: str) -> Result:
    """What the command says and how it ends, in this process, and so on the cluster that is at hand."""
    handler = signal.getsignal(signal.SIGTERM)
    try:
        return CliRunner().invoke(main, ["migration", *arguments, "--project-dir", str(project)])
    finally:
        signal.signal(signal.SIGTERM, handler)


def test_extensions_that_a_project_has_are_left_as_they_are() -> None:
    """On the platform they belong to somebody else, who may have made them before."""
    text = "".join(file.read_text(encoding="utf-8") for file in migrations.migration_files(ROOT))
    assert 'CREATE EXTENSION IF NOT EXISTS "pg_cron"' in text
    assert re.findall(r"create extension (?!if not exists).*|(?:comment on|alter) extension .*", text, re.I) == []


def test_migrations_and_schemas_make_the_same_database() -> None:
    argv = [sys.executable, "-m", "tripgate", "migration", "--check", "--project-dir", str(ROOT)]
    checked = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stdout) == (0, "Migrations and schemas make the same database.\n"), (
        checked.stderr
    )


@pytest.mark.usefixtures("at_hand")
class TestWriting:
    def test_a_change_of_every_kind_becomes_a_migration(self, project: Path) -> None:
        before = files(project)
        change(project, CHANGE)
        result = tripgate_migration(project, "add_moods")
        assert result.exit_code == 0, result.stderr
        (new,) = set(files(project)) - set(before)
        assert new > before[-1]
        assert new.endswith("_add_moods.sql")
        assert new in result.stdout
        assert "drops column public.collection_places.notes" in result.stderr
        assert migrations.drift(project) == []

    def test_nothing_changed(self, project: Path) -> None:
        before = files(project)
        result = tripgate_migration(project, "nothing")
        assert (result.exit_code, result.stdout) == (0, "Nothing changed.\n")
        assert files(project) == before

    def test_the_first_one_is_the_schemas(self, project: Path) -> None:
        shutil.rmtree(project / "supabase" / "migrations")
        written = migrations.write_next(project, "baseline")
        assert written is not None
        text = written.file.read_text(encoding="utf-8")
        for file in database.schema_files(project):
            assert file.read_text(encoding="utf-8").strip() in text

    def test_a_last_migration_of_the_future_stays_before_the_next(self, project: Path) -> None:
        (project / "supabase" / "migrations" / "29991231235959_later.sql").write_text("")
        change(project, "comment on table public.trips is 'Changed.';")
        written = migrations.write_next(project, "now")
        assert written is not None
        assert written.file.name == "30000101000000_now.sql"
        assert written.file.read_text() == """COMMENT ON TABLE "public"."trips" IS 'Changed.';\n"""


@pytest.mark.usefixtures("at_hand")
class TestRefusing:
    def test_sql_that_is_broken(self, project: Path) -> None:
        change(project, "select 1;\n\ncreate tabel public.moods ();\n")
        result = tripgate_migration(project, "broken")
        assert result.exit_code == 1
        assert '990_change.sql, line 3: syntax error at or near "tabel"' in result.stderr
        assert "Traceback" not in result.stderr

    def test_rights_that_depend_on_the_projects_age(self, project: Path) -> None:
        change(
            project, "create table public.moods (id uuid primary key); grant select on public.moods to authenticated;"
        )
        with pytest.raises(
            LocalStackError, match=r"begin with `revoke all on(.|\n)*table public.moods: what anon may do is DELETE, "
        ):
            migrations.write_next(project, "open")

    def test_a_proposal_that_leaves_something_out(
        self, project: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        before = files(project)
        change(
            project,
            "alter table public.trips add column mood text;"
            ' create policy "Everyone may look" on public.trips for select to authenticated using (true);',
        )
        differ(monkeypatch, tmp_path, "echo 'alter table public.trips add column mood text;'")
        with pytest.raises(migrations.IncompleteMigrationError) as refusal:
            migrations.write_next(project, "half")
        assert 'policy "Everyone may look" on public.trips: only in the schemas' in str(refusal.value)
        assert refusal.value.sql == "alter table public.trips add column mood text;"
        assert files(project) == before

    def test_a_proposal_that_does_not_apply(
        self, project: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        change(project, "alter table public.trips add column mood text;")
        differ(monkeypatch, tmp_path, "echo 'alter table public.trip add column mood text;'")
        with pytest.raises(
            migrations.IncompleteMigrationError, match=r"the proposal: relation .public\.trip. does not"
        ):
            migrations.write_next(project, "wrong")

    def test_a_differ_that_fails(self, project: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        change(project, "alter table public.trips add column mood text;")
        differ(monkeypatch, tmp_path, "echo 'no such thing' >&2; exit 3")
        with pytest.raises(LocalStackError, match="`supabase db diff` failed:\nno such thing"):
            migrations.write_next(project, "failing")

    @pytest.mark.parametrize("name", ["20260101000000.sql", "2026_start.sql", "20261301000000_month_13.sql"])
    def test_a_file_that_the_cli_would_pass_over(self, project: Path, name: str) -> None:
        (project / "supabase" / "migrations" / name).write_text("")
        with pytest.raises(LocalStackError, match=f"{name} must be called"):
            migrations.migration_files(project)

    def test_two_files_with_one_number(self, project: Path) -> None:
        for name in ("one", "two"):
            (project / "supabase" / "migrations" / f"20260101000000_{name}.sql").write_text("")
        with pytest.raises(LocalStackError, match=r"_two\.sql has the same number"):
            migrations.migration_files(project)

    @pytest.mark.parametrize("arguments", [[], ["two words"], ["../escape"], ["name", "--check"]], ids=" ".join)
    def test_wrong_usage(self, project: Path, arguments: list[str]) -> None:
        assert tripgate_migration(project, *arguments).exit_code == 2


def differ(monkeypatch: pytest.MonkeyPatch, folder: Path, script: str) -> None:
    """Puts a program in the place of the Supabase CLI."""
    program = folder / "supabase-cli"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("TRIPGATE_SUPABASE_CLI", str(program))


class TestCli:
    """The real Supabase CLI takes the folder as it is."""

    def test_it_pushes_the_migrations(self, server: scratch.Scratch) -> None:
        url = server.database()
        cli = supabase_cli.program(lambda _: None)
        pushed = supabase_cli.run(cli, ["db", "push", "--yes", f"--remote={supabase_cli.plain(url)}"], ROOT)
        assert pushed.returncode == 0, pushed.stderr
        want = server.describe(database.schema_files(ROOT))
        assert catalog.differences(catalog.describe(url), want, names=("pushed", "the schemas")) == []

    def test_it_knows_every_key_of_config_toml(self, server: scratch.Scratch) -> None:
        cli = supabase_cli.program(lambda _: None)
        remote = f"--remote={supabase_cli.plain(server.database())}"
        listed = supabase_cli.run(cli, ["migration", "list", remote], ROOT)
        assert listed.returncode == 0, listed.stderr
        assert "config.toml" not in listed.stderr
        assert "deprecated" not in listed.stderr

    def test_it_complains_of_a_key_it_does_not_know(self, server: scratch.Scratch, project: Path) -> None:
        with (project / "supabase" / "config.toml").open("a") as config:
            config.write("\n[auth.emial]\nenabled = true\n")
        cli = supabase_cli.program(lambda _: None)
        remote = f"--remote={supabase_cli.plain(server.database())}"
        assert "auth.emial" in supabase_cli.run(cli, ["migration", "list", remote], project).stderr
