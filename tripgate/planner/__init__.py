"""Selection → plan → shaper. Pure: no I/O, and no PostgREST syntax."""
