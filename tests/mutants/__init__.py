"""Mutation testing: whether tests notice when the code says something else. `make mutants` runs it."""
