"""Brings what a system kept elsewhere into its tables: `tripgate import SYSTEM`.

Runs outside the server, by the operator's own login, which row level security does not hold. A system declares which
files there are and what becomes of their columns (`declaring`); reading them, matching people, writing, comparing and
undoing are the same for all.
"""
