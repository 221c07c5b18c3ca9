"""docs/frontend.md: its blocks are the files of examples/frontend, which are type-checked and run here."""
