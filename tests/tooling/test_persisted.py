"""Apollo Client's automatic persisted queries."""

from tests.support import serving
from tests.tooling.deno import FRONTEND
from tests.tooling.test_caches import printed
from tripgate.local.stack import StackInfo


async def test_the_document_is_sent_once_and_then_named_by_get(seeded: StackInfo) -> None:
    async with serving(seeded, get_queries=True) as url:
        assert await printed(FRONTEND, "caches/persisted.js", url) == {
            "answers": [{"__typename": "Query"}, {"__typename": "Query"}],
            "asked": [["GET", False], ["POST", True], ["GET", False]],
        }
