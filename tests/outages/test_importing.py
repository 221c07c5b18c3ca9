"""The database goes away in the middle of an import, and Auth with it: the next import removes what was left."""

import contextlib
import json
from pathlib import Path

import psycopg
from psycopg.rows import dict_row

from tests.importing.conftest import Harbour
from tests.importing.test_accounts import marks, newcomers, standing_still
from tests.importing.toy import SCHEMA
from tests.outages.test_servers import back
from tests.support import Person
from tripgate.local.stack import Stack, StackInfo


def harbour(info: StackInfo, folder: Path) -> Harbour:
    db = psycopg.connect(info.db_url, autocommit=True, row_factory=dict_row)
    environment = {
        "TRIPGATE_IMPORT_DATABASE_URL": info.db_url,
        "SUPABASE_URL": info.api_url,
        "TRIPGATE_IMPORT_SECRET_KEY": info.secret_key,
    }
    return Harbour(info, folder, db, environment)


async def test_what_could_not_be_removed_is_removed_by_the_next_import(
    breakable_stack: Stack, info: StackInfo, somebody: Person, tmp_path: Path
) -> None:
    before = harbour(info, tmp_path)
    before.db.execute(SCHEMA.encode())
    newcomers(before)
    # The lock that it waits for breaks too.
    with contextlib.suppress(psycopg.OperationalError), standing_still(before) as importing:
        breakable_stack.kill("postgres")
        said, _ = importing.communicate(timeout=60)
    before.db.close()
    assert importing.returncode == 1
    told = json.loads(said)["error"]
    assert told.startswith("The database went away, so nothing is imported: ")
    assert told.endswith("3 accounts that it had made could not be removed; the next run removes them.")
    breakable_stack.restart("postgres")
    await back(somebody)
    after = harbour(info, tmp_path)
    try:
        assert marks(after) == 3
        summary = after.imported("--make-accounts")
        assert (summary["accountsRemoved"], summary["people"]["made"], marks(after)) == (3, 3, 0)
        assert after.value("select count(*) from toy.boats") == 3
    finally:
        after.db.execute("drop schema toy cascade")
        after.db.close()
