"""Objects of any type by their identifier, as Relay and other caches fetch them anew."""

import strawberry

from resolvers.declared import any_node, any_nodes
from resolvers.declared.crud import domain


@strawberry.type
class NodeQuery:
    """Reading anything."""

    node = any_node()
    nodes = any_nodes()


DOMAIN = domain(NodeQuery, position=20)
