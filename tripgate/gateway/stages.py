"""The stages of a request, the same for every transport.

1. `observability` begins its record.
2. `addresses` tells where it comes from, and `admission` lets that address in.
3. `identity` tells who asks, and admission counts the person.
4. `parser` finds the operation.
5. Admission counts what it costs, once it is prepared for its variables.
6. `engine` runs it.
"""

from dataclasses import dataclass

from tripgate.gateway.admission.addresses import Addresses
from tripgate.gateway.admission.admission import Admission
from tripgate.gateway.engine import Engine
from tripgate.gateway.identity import Identity
from tripgate.gateway.observability.observability import Observability
from tripgate.gateway.parsing import Parser


@dataclass(frozen=True, slots=True)
class Stages:
    """What a request passes, in this order."""

    observability: Observability
    addresses: Addresses
    admission: Admission
    identity: Identity
    parser: Parser
    engine: Engine
