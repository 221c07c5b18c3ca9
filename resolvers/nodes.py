"""Objects of any type by their identifier, as Relay and other caches fetch them anew."""

import strawberry

from resolvers.declared import any_node


@strawberry.type
class NodeQuery:
    """Reading anything."""

    node = any_node()
