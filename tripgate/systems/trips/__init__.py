"""Trips: what people plan together."""

from tripgate.systems.system import Demo, System
from tripgate.systems.trips.doctor import BUCKETS, EDGE_FUNCTIONS, FORMS, NEVER_SEEN
from tripgate.systems.trips.importing import IMPORT
from tripgate.systems.trips.selling import stripe_account
from tripgate.systems.trips.templates import whatsapp_templates

SYSTEM = System(
    edge_functions=EDGE_FUNCTIONS,
    forms=FORMS,
    never_seen=NEVER_SEEN,
    buckets=BUCKETS,
    checks=(stripe_account, whatsapp_templates),
    demo=Demo(
        ("ada@tripgate.example", "ben@tripgate.example", "cleo@tripgate.example"),
        "tripgate-demo",
        "ada@, ben@ and cleo@tripgate.example",
    ),
    imports=IMPORT,
)
