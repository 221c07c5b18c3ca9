"""Reads what Postgres' catalog knows of the API's schemas, and keeps it as `gql/pg_catalog.json`.

`gql.pg_catalog` is its reader. `tripgate schema --update` writes the file from a database with the schemas applied, and
`--check` finds that the schemas have changed since; the doctor and `dev` read databases that run.
"""
