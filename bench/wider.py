"""Tripgate with more tables than it has: `python -m bench.wider <count>` serves with so many more in its schema.

Each has the columns, relations and root fields of an ordinary one. No such table is in the database, so none is asked.
"""

import sys
from datetime import datetime
from decimal import Decimal
from uuid import UUID

import strawberry

from gql.declare import NEVER, REQUIRED, column, table, to_one
from resolvers.declared import create, delete, many, one, update
from tripgate import cli
from tripgate.gateway import schema


def declare(count: int) -> None:
    """Declare tables and their root fields; the schema must not have been built yet."""
    for number in range(count):
        name = f"Extra{number}"
        body = {
            "__annotations__": {
                "id": UUID,
                "owner_id": UUID,
                "name": str,
                "notes": str | None,
                "amount": Decimal | None,
                "created_at": datetime,
            },
            "__doc__": f"One of {count}.",
            "id": column(write=NEVER),
            "owner_id": column("user_id", write=NEVER),
            "name": column(write=REQUIRED),
            "created_at": column(write=NEVER),
            "owner": to_one("Profile", via="user_id", description="Whose it is."),
        }
        table(f"extra{number}s", order_by=("created_at desc",))(type(name, (), body))
        query = {f"extra{number}": one(name), f"extra{number}s": many(name)}
        mutation = {
            f"create_extra{number}": create(name),
            f"update_extra{number}": update(name),
            f"delete_extra{number}": delete(name),
        }
        schema.QUERIES = (*schema.QUERIES, strawberry.type(type(f"{name}Query", (), query)))
        schema.MUTATIONS = (*schema.MUTATIONS, strawberry.type(type(f"{name}Mutation", (), mutation)))


if __name__ == "__main__":
    declare(int(sys.argv[1]))
    sys.argv[1:] = ["serve"]
    cli.main()
