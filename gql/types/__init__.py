"""One module per domain: its types, inputs and enums, declared over their tables."""
