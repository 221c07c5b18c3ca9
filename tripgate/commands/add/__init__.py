"""`tripgate add`: from a table in the database to its declaration, its root fields and its tests by actor.

`draft` reads what Postgres knows of the table and decides; `render` writes it as Python, `modules` puts that into files
that are there; `access` writes who may do what, for a person to review; `lacks` says what the SQL leaves out.
"""
