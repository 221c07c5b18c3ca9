"""The bare platform: what Supabase-style SQL may count on before the project's own files are applied."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import TYPE_CHECKING

import psycopg
import pytest

from tests.database.callers import role, sign_up

if TYPE_CHECKING:
    from tests.database.callers import World
    from tests.database.conftest import Database


class TestRoles:
    @pytest.mark.parametrize(
        ("name", "login", "superuser", "bypasses_rls", "inherits"),
        [
            ("anon", False, False, False, True),
            ("authenticated", False, False, False, True),
            ("service_role", False, False, True, True),
            ("authenticator", True, False, False, False),
            ("postgres", True, False, True, True),
            ("supabase_auth_admin", True, False, False, False),
            ("supabase_storage_admin", True, False, False, False),
            ("supabase_realtime_admin", True, False, False, False),
            ("supabase_admin", True, True, True, True),
        ],
    )
    def test_attributes(
        self, db: psycopg.Connection, name: str, login: bool, superuser: bool, bypasses_rls: bool, inherits: bool
    ) -> None:
        row = db.execute(
            "select rolcanlogin, rolsuper, rolbypassrls, rolinherit from pg_roles where rolname = %s", (name,)
        ).fetchone()
        assert row == (login, superuser, bypasses_rls, inherits)

    @pytest.mark.parametrize(("name", "timeout"), [("anon", "3s"), ("authenticated", "8s"), ("authenticator", "8s")])
    def test_statement_timeouts(self, db: psycopg.Connection, name: str, timeout: str) -> None:
        row = db.execute("select rolconfig from pg_roles where rolname = %s", (name,)).fetchone()
        assert row is not None
        assert f"statement_timeout={timeout}" in row[0]

    @pytest.mark.parametrize("name", ["anon", "authenticated", "service_role"])
    def test_the_authenticator_becomes_its_callers(self, db: psycopg.Connection, name: str) -> None:
        row = db.execute("select pg_has_role('authenticator', %s, 'set')", (name,)).fetchone()
        assert row == (True,)

    @pytest.mark.parametrize(
        "name",
        [
            "db_max_rows",
            "db_schemas",
            "db_plan_enabled",
            "jwt_cache_max_entries",
            "openapi_mode",
            "server_timing_enabled",
        ],
    )
    def test_postgres_sets_up_postgrest(self, db: psycopg.Connection, name: str) -> None:
        with role(db, "postgres"):
            db.execute(f"alter role authenticator set pgrst.{name} = '5'".encode())
            row = db.execute("select rolconfig from pg_roles where rolname = 'authenticator'").fetchone()
            assert row is not None
            assert f"pgrst.{name}=5" in row[0]
            db.execute(f"alter role authenticator reset pgrst.{name}".encode())

    def test_postgres_owns_the_database_and_may_not_do_everything(self, db: psycopg.Connection) -> None:
        with role(db, "postgres"):
            db.execute("create schema reports")
            db.execute("create table public.things (id uuid)")
        with pytest.raises(psycopg.errors.InsufficientPrivilege), role(db, "postgres"):
            db.execute("create role another_admin superuser")


class TestExtensions:
    def test_migrations_may_create_what_there_is_of_the_platforms(self, db: psycopg.Connection) -> None:
        with role(db, "postgres"):
            db.execute("drop extension if exists vector cascade")
            db.execute("create extension vector with schema extensions")
            row = db.execute(
                "select '[1,2]'::extensions.vector operator(extensions.<->) '[1,3]'::extensions.vector"
            ).fetchone()
            assert row == (1.0,)

    @pytest.mark.parametrize(
        ("name", "schema"),
        [("vector", "extensions"), ("pg_cron", "pg_catalog"), ("pg_net", "extensions"), ("supabase_vault", "vault")],
    )
    def test_a_migration_creates_one_where_it_is_not_there_yet(
        self, db: psycopg.Connection, name: str, schema: str
    ) -> None:
        create = f"create extension if not exists {name} with schema {schema}"
        with role(db, "postgres"):
            db.execute(create.encode())
            if name != "supabase_vault":  # which is there from the first day, and somebody else's
                db.execute(f"drop extension {name} cascade".encode())
            db.execute(create.encode())
        row = db.execute("select extnamespace::regnamespace::text from pg_extension where extname = %s", (name,))
        assert row.fetchone() == (schema,)

    @pytest.mark.parametrize("name", ["authenticated", "service_role", "authenticator"])
    def test_nobody_else_may(self, db: psycopg.Connection, name: str) -> None:
        db.execute("drop extension if exists vector cascade")
        with pytest.raises(psycopg.errors.InsufficientPrivilege), role(db, name):
            db.execute("create extension vector with schema extensions")


class TestVault:
    @pytest.mark.parametrize("name", ["postgres", "service_role"])
    def test_keeps_secrets_that_its_table_does_not_show(self, db: psycopg.Connection, name: str) -> None:
        long = "the sea, the sea " * 40 + "∞"
        with role(db, name):
            for text, called in (("open sesame", "door"), (long, None), ("", "empty")):
                row = db.execute("select vault.create_secret(%s, %s, 'told to few')", (text, called)).fetchone()
                assert row is not None
                kept = db.execute("select * from vault.secrets where id = %s", row).fetchone()
                assert kept is not None
                assert not text or text[:11] not in str(kept)
                assert db.execute(
                    "select name, description, decrypted_secret from vault.decrypted_secrets where id = %s", row
                ).fetchone() == (called, "told to few", text)

    def test_secrets_change_by_their_id_and_are_called_by_a_name_once(self, db: psycopg.Connection) -> None:
        with role(db, "postgres"):
            (door,) = db.execute("select vault.create_secret('sesame', 'door')").fetchone() or ("",)
            query = "select name, description, decrypted_secret from vault.decrypted_secrets where id = %s"
            db.execute("select vault.update_secret(%s, 'barley', new_description => 'newer')", (door,))
            assert db.execute(query, (door,)).fetchone() == ("door", "newer", "barley")
            db.execute("select vault.update_secret(%s, new_name => 'gate')", (door,))
            assert db.execute(query, (door,)).fetchone() == ("gate", "newer", "barley")
            with pytest.raises(psycopg.errors.UniqueViolation), db.transaction():
                db.execute("select vault.create_secret('rye', 'gate')")
            db.execute("delete from vault.secrets where id = %s", (door,))
            assert db.execute(query, (door,)).fetchone() is None

    def test_what_was_changed_or_moved_to_another_row_is_not_believed(self, db: psycopg.Connection) -> None:
        db.execute("select vault.create_secret('sesame', 'one'), vault.create_secret('sesame', 'two')")
        rows = db.execute("select secret from vault.secrets where name in ('one', 'two')").fetchall()
        assert rows[0] != rows[1]
        for change in (
            "secret = (select secret from vault.secrets where name = 'two')",
            "secret = encode(set_byte(decode(secret, 'base64'), 33, 7), 'base64')",
            "secret = 'c2VzYW1l'",
            "nonce = null",
        ):
            with db.transaction(force_rollback=True):
                db.execute(f"update vault.secrets set {change} where name = 'one'".encode())
                with pytest.raises(psycopg.DataError, match="cannot be decrypted"), db.transaction():
                    db.execute("select decrypted_secret from vault.decrypted_secrets where name = 'one'")

    @pytest.mark.parametrize(
        ("name", "statement"),
        [
            *((name, "select * from vault.decrypted_secrets") for name in ("anon", "authenticated", "authenticator")),
            *((name, "select vault.create_secret('x')") for name in ("anon", "authenticated", "authenticator")),
            *((name, "select vault.root_key()") for name in ("postgres", "service_role", "authenticated")),
            *((name, "select pg_read_file('vault.key')") for name in ("postgres", "service_role", "authenticated")),
            *((name, "update vault.secrets set secret = ''") for name in ("postgres", "service_role")),
        ],
    )
    def test_is_closed_to(self, db: psycopg.Connection, name: str, statement: str) -> None:
        with pytest.raises(psycopg.errors.InsufficientPrivilege), role(db, name):
            db.execute(statement.encode())


@pytest.mark.parametrize("name", ["anon", "authenticated", "service_role"])
def test_new_tables_are_closed_by_default(db: psycopg.Connection, name: str) -> None:
    with role(db, "postgres"):
        db.execute("create table public.things (id bigserial)")
    for table, privileges in (("things", "select, insert, update, delete"), ("things_id_seq", "usage, select")):
        check = "has_sequence_privilege" if table.endswith("_seq") else "has_table_privilege"
        row = db.execute(f"select {check}(%s, %s, %s)", (name, f"public.{table}", privileges)).fetchone()
        assert row == (False,)


class TestCaller:
    CLAIMS = {"sub": "7b0d7c1e-0f5c-4f39-9a55-3a3f0c5d1e2a", "role": "authenticated", "email": "ada@people.example"}  # noqa: RUF012

    def test_is_read_from_the_claims(self, db: psycopg.Connection) -> None:
        with role(db, "authenticated", self.CLAIMS):
            row = db.execute("select auth.uid()::text, auth.role(), auth.email(), auth.jwt()").fetchone()
        assert row == (*self.CLAIMS.values(), self.CLAIMS)

    def test_is_read_from_single_claims_first(self, db: psycopg.Connection) -> None:
        db.execute("select set_config('request.jwt.claim.sub', %s, true)", (self.CLAIMS["sub"],))
        row = db.execute("select auth.uid()::text, auth.role()").fetchone()
        assert row == (self.CLAIMS["sub"], None)

    def test_is_nobody_without_a_token(self, db: psycopg.Connection) -> None:
        with role(db, "anon"):
            row = db.execute("select auth.uid(), auth.role(), auth.email(), auth.jwt() ->> 'sub'").fetchone()
        assert row == (None, None, None, None)
        db.execute("select set_config('request.jwt.claims', '', true)")
        assert db.execute("select auth.uid(), auth.jwt()").fetchone() == (None, None)


class TestAuthTables:
    @pytest.mark.parametrize("table", ["users", "identities", "sessions", "refresh_tokens", "one_time_tokens"])
    @pytest.mark.parametrize("name", ["anon", "authenticated", "service_role"])
    def test_are_closed_to_the_api(self, db: psycopg.Connection, table: str, name: str) -> None:
        row = db.execute(
            "select relrowsecurity, has_table_privilege(%s, oid, 'select, insert, update, delete') from pg_class"
            " where oid = ('auth.' || %s)::regclass",
            (name, table),
        ).fetchone()
        assert row == (True, False)

    def test_a_project_may_hang_triggers_on_users(self, db: psycopg.Connection) -> None:
        with role(db, "postgres"):
            db.execute(
                "create trigger on_sign_in after update on auth.users"
                " for each row execute function private.set_updated_at()"
            )

    def test_the_auth_server_keeps_sessions_and_tokens(self, db: psycopg.Connection) -> None:
        user = uuid.uuid4()
        sign_up(db, user)
        with role(db, "supabase_auth_admin"):
            db.execute(
                "insert into auth.identities (provider_id, provider, user_id, identity_data)"
                " values (%s, 'email', %s, '{\"email\": \"Ada@People.example\"}')",
                (str(user), user),
            )
            db.execute("insert into auth.sessions (id, user_id, aal, ip) values (%s, %s, 'aal1', '::1')", (user, user))
            db.execute(
                "insert into auth.refresh_tokens (token, user_id, session_id, revoked) values ('r1', %s, %s, false)",
                (str(user), user),
            )
            row = db.execute("select email from auth.identities where user_id = %s", (user,)).fetchone()
            assert row == ("ada@people.example",)
            db.execute("delete from auth.sessions where id = %s", (user,))
            assert db.execute("select 1 from auth.refresh_tokens where token = 'r1'").fetchone() is None


class TestStorage:
    def test_names_come_apart(self, db: psycopg.Connection) -> None:
        row = db.execute(
            "select storage.foldername(name), storage.filename(name), storage.extension(name)"
            " from (values ('ada/2027/sea.view.jpg')) as object (name)"
        ).fetchone()
        assert row == (["ada", "2027"], "sea.view.jpg", "jpg")
        assert db.execute("select storage.foldername('alone.png')").fetchone() == ([],)

    def test_objects_are_hidden_until_a_policy_shows_them(self, db: psycopg.Connection) -> None:
        with role(db, "service_role"):
            db.execute("insert into storage.buckets (id, name) values ('drafts', 'drafts')")
            db.execute(
                "insert into storage.objects (bucket_id, name) values ('drafts', 'ada/a.png'), ('drafts', 'b.png')"
            )
        with role(db, "authenticated"):
            assert db.execute("select name from storage.objects where bucket_id = 'drafts'").fetchall() == []
        with role(db, "postgres"):
            db.execute(
                'create policy "Everyone can see Ada\'s drafts" on storage.objects for select to authenticated'
                " using (bucket_id = 'drafts' and (storage.foldername(objects.name))[1] = 'ada')"
            )
        with role(db, "authenticated"):
            assert db.execute("select name from storage.objects where bucket_id = 'drafts'").fetchall() == [
                ("ada/a.png",)
            ]

    @pytest.mark.parametrize("table", ["buckets", "objects"])
    def test_rows_are_deleted_by_the_storage_api_alone(self, db: psycopg.Connection, table: str) -> None:
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="Use the Storage API instead"):
            db.execute(f"delete from storage.{table}".encode())
        db.rollback()
        db.execute("set local storage.allow_delete_query = 'true'")
        db.execute(f"delete from storage.{table} where id::text = 'nothing'".encode())

    def test_a_buckets_name_is_at_most_100_characters_long(self, db: psycopg.Connection) -> None:
        with pytest.raises(psycopg.errors.RaiseException, match=r"is too long \(101 characters\). Max is 100."):
            db.execute("insert into storage.buckets (id, name) values ('long', repeat('a', 101))")

    @pytest.mark.parametrize(
        "statement",
        [
            "create index own on storage.objects (owner_id)",
            "create function storage.own() returns int language sql as 'select 1'",
            "create table storage.own (id int)",
            "alter table storage.objects add column own text",
            "comment on table storage.objects is 'ours'",
        ],
    )
    def test_the_project_changes_nothing_in_its_schema(self, db: psycopg.Connection, statement: str) -> None:
        with pytest.raises(psycopg.errors.InsufficientPrivilege), role(db, "postgres"):
            db.execute(statement.encode())

    def test_the_project_may_have_triggers_on_objects(self, db: psycopg.Connection) -> None:
        with role(db, "postgres"):
            db.execute("create function public.seen() returns trigger language plpgsql as 'begin return null; end'")
            db.execute(
                "create trigger seen after insert on storage.objects for each row execute function public.seen()"
            )
            db.execute("drop trigger seen on storage.objects")

    def test_policies_may_ask_what_is_being_done(self, db: psycopg.Connection) -> None:
        asked = (
            "select storage.allow_only_operation('object.upload'),"
            " storage.allow_only_operation('storage.object.upload'),"
            " storage.allow_any_operation('{object.list, object.upload}'), storage.allow_only_operation('object.list'),"
            " storage.allow_only_operation('')"
        )
        assert db.execute(asked).fetchone() == (False, False, False, False, False)
        db.execute("set local storage.operation = 'storage.object.upload'")
        assert db.execute(asked).fetchone() == (True, True, True, False, False)


class TestLists:
    NAMES = ("a/1.png", "a/b/2.png", "a/b/3.png", "a/B/4.png", "a/c.png", "a-0.png", "a0.png", "é.png", "a", "Ab.png")

    @pytest.fixture(autouse=True)
    def objects(self, db: psycopg.Connection) -> None:
        db.execute("insert into storage.buckets (id, name) values ('drafts', 'drafts')")
        for hour, name in enumerate(self.NAMES):
            db.execute(
                "insert into storage.objects (bucket_id, name, created_at) values ('drafts', %s,"
                " '2027-01-01'::timestamp + make_interval(hours => %s))",
                (name, hour),
            )

    @staticmethod
    def listed(db: psycopg.Connection, call: str) -> list[str]:
        """Names in order; those of folders with a delimiter."""
        rows = db.execute(f"select name, id from storage.{call}".encode()).fetchall()
        return [name if key is not None else f"{name}/" for name, key in rows]

    @pytest.mark.parametrize(
        ("call", "names"),
        [
            ("list_objects_with_delimiter('drafts', '', '/')", "Ab.png a a-0.png a/ a0.png é.png"),
            (
                "list_objects_with_delimiter('drafts', '', '/', sort_order => 'desc')",
                "é.png a0.png a/ a-0.png a Ab.png",
            ),
            ("list_objects_with_delimiter('drafts', 'a/', '/')", "a/1.png a/B/ a/b/ a/c.png"),
            ("list_objects_with_delimiter('drafts', 'a', '/')", "a a-0.png a/ a0.png"),
            ("list_objects_with_delimiter('drafts', '', '/', 2, 'a')", "a-0.png a/"),
            ("list_objects_with_delimiter('drafts', '', '/', 2, 'a/')", "a0.png é.png"),
            ("list_objects_with_delimiter('drafts', '', '/', 2, 'a/', '', 'desc')", "a-0.png a"),
            ("list_objects_with_delimiter('drafts', 'z', '/')", ""),
            ("search_v2('a/', 'drafts', 10, 2)", "a/1.png a/B/ a/b/ a/c.png"),
            ("search_v2('a/', 'drafts', 10, 2, sort_column => 'created_at')", "a/1.png a/b/ a/B/ a/c.png"),
            (
                "search_v2('a/', 'drafts', 2, 2, 'a/B/', 'desc', 'created_at', '2027-01-01T03:00:00Z')",
                "a/b/ a/1.png",
            ),
            ("search('', 'drafts')", "a a-0.png a/ a0.png Ab.png é.png"),
            ("search('', 'drafts', sortorder => 'desc')", "é.png Ab.png a0.png a/ a-0.png a"),
            ("search('', 'drafts', 2, 1, 2)", "a/ a0.png"),
            ("search('A/', 'drafts')", "1.png b/ c.png"),
            ("search('', 'drafts', search => 'aB')", "Ab.png"),
            ("search('a/', 'drafts', search => 'b/')", "b/2.png b/3.png B/4.png"),
            ("search('a/', 'drafts', sortcolumn => 'created_at', sortorder => 'desc')", "b/ B/ c.png 1.png"),
            ("search('a/', 'drafts', 1, 1, 3, sortcolumn => 'created_at')", "c.png"),
        ],
    )
    def test_objects_and_folders_in_order(self, db: psycopg.Connection, call: str, names: str) -> None:
        assert self.listed(db, call) == names.split()

    def test_policies_decide_what_is_listed(self, db: psycopg.Connection) -> None:
        with role(db, "postgres"):
            db.execute(
                'create policy "Everyone can see a draft" on storage.objects for select to authenticated'
                " using (objects.name = 'a/b/2.png')"
            )
        with role(db, "authenticated"):
            assert self.listed(db, "search('', 'drafts')") == ["a/"]
            assert self.listed(db, "search_v2('a/', 'drafts')") == ["a/b/"]

    @pytest.mark.parametrize("column", ['name collate "C"', 'lower(name) collate "C"'])
    def test_a_page_is_read_from_an_index(self, db: psycopg.Connection, column: str) -> None:
        db.execute("set local enable_seqscan = off")
        db.execute("set local enable_bitmapscan = off")
        rows = db.execute(
            "explain (format text) select name from storage.objects where bucket_id = 'drafts'"
            f" and {column} >= 'a' and {column} < 'b' order by {column} limit 10".encode()
        ).fetchall()
        plan = "\n".join(row[0] for row in rows)
        assert "Index" in plan
        assert "Sort" not in plan


class TestRealtime:
    def test_the_publication_is_the_projects_to_fill(self, db: psycopg.Connection) -> None:
        with role(db, "postgres"):
            db.execute("create table public.things (id uuid primary key)")
            db.execute("alter publication supabase_realtime add table public.things")

    def test_a_message_is_stored_with_its_id(self, db: psycopg.Connection) -> None:
        with role(db, "postgres"):
            db.execute("""select realtime.send('{"text": "hello"}', 'greeting', 'trip:1')""")
        row = db.execute(
            "select event, private, extension, payload ->> 'text', payload ->> 'id' = id::text from realtime.messages"
            " where topic = 'trip:1'"
        ).fetchone()
        assert row == ("greeting", True, "broadcast", "hello", True)

    def test_bytes_are_sent_as_they_are(self, db: psycopg.Connection) -> None:
        with role(db, "postgres"):
            db.execute(r"select realtime.send_binary('\x00ff', 'picture', 'trip:1', false)")
            db.execute(r"select realtime.send_binary(payload => '\x', event => 'empty', topic => 'trip:1')")
            db.execute("select realtime.send_binary('', 'nowhere', null)")  # undoes nothing of what it tells of
        rows = db.execute(
            "select event, private, extension, payload, binary_payload from realtime.messages"
            " where topic = 'trip:1' order by event"
        ).fetchall()
        assert rows == [
            ("empty", True, "broadcast", None, b""),
            ("picture", False, "broadcast", None, b"\x00\xff"),
        ]

    def test_a_trigger_broadcasts_its_row(self, db: psycopg.Connection, world: World) -> None:
        with role(db, "postgres"):
            db.execute(
                """
                create function public.tell() returns trigger
                language plpgsql security definer set search_path = '' as $$
                begin
                    perform realtime.broadcast_changes(
                        'place:' || old.id, tg_op, tg_op, tg_table_name, tg_table_schema, new, old
                    );
                    return null;
                end
                $$;
                create trigger tell after update or delete on public.places for each row execute function public.tell();
                """
            )
        world.attempt("owner", "update public.places set name = 'Renamed' where id = %s", world.owner.places)
        world.attempt("owner", "delete from public.places where id = %s", world.owner.places)
        sent = [
            (payload["operation"], payload["record"] and payload["record"]["name"], payload["old_record"]["name"])
            for (payload,) in db.execute(
                "select payload from realtime.messages where topic = %s order by inserted_at, event desc",
                (f"place:{world.owner.places}",),
            )
        ]
        assert sent == [("UPDATE", "Renamed", "Old harbour"), ("DELETE", None, "Renamed")]

    def test_a_message_that_cannot_be_sent_undoes_nothing(self, db: psycopg.Connection) -> None:
        with role(db, "postgres"):
            db.execute("""select realtime.send('{"text": "hello"}', 'greeting', null)""")
        assert db.execute("select 1").fetchone() == (1,)

    def test_policies_decide_who_joins(self, db: psycopg.Connection, world: World) -> None:
        with role(db, "postgres"):
            db.execute(
                'create policy "People can hear their own stream" on realtime.messages for select to authenticated'
                " using ((select realtime.topic()) = 'club:' || (select auth.uid()))"
            )
            db.execute("select realtime.send('{}', 'hello', 'club:' || %s)", (str(world.owner.profiles),))
        heard = {}
        for actor in ("owner", "stranger"):
            with world.acting_as(actor):
                db.execute("select set_config('realtime.topic', 'club:' || %s, true)", (str(world.owner.profiles),))
                heard[actor] = len(db.execute("select 1 from realtime.messages where event = 'hello'").fetchall())
        assert heard == {"owner": 1, "stranger": 0}

    def test_partitions_follow_the_days(self, db: psycopg.Connection) -> None:
        today = dt.date(2031, 2, 27)
        for day in (today, today + dt.timedelta(days=4)):
            db.execute("select realtime.maintain_messages_partitions(%s)", (day,))
        names = db.execute("select relid::text from pg_partition_tree('realtime.messages') where isleaf order by 1")
        assert [name for (name,) in names] == [
            "realtime.messages_2031_02_28",
            *(f"realtime.messages_2031_03_0{day}" for day in range(1, 7)),
        ]


def test_postgrest_hears_of_changes_to_the_schema(stack: Database) -> None:
    with psycopg.connect(stack.admin_db_url, autocommit=True) as connection:
        connection.execute("listen pgrst")
        connection.execute("create schema passing")
        connection.execute("drop schema passing")
        heard = [notice.payload for notice in connection.notifies(timeout=5, stop_after=2)]
    assert heard == ["reload schema", "reload schema"]
