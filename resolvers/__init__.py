"""One module per domain: its root fields. Thin; `context.py` is what a resolver gets."""
