"""People: what others may see of them."""

from datetime import datetime
from uuid import UUID

from gql.declare import NEVER, column, table


@table("profiles", order_by=("display_name",))
class Profile:
    """A person, over `profiles`."""

    id: UUID = column(write=NEVER)
    display_name: str
    avatar_path: str | None
    created_at: datetime = column(write=NEVER)
    updated_at: datetime = column(write=NEVER)
