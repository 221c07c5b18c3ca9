"""Whether a database has what the declarations count on, in words: pure functions of declarations and `gql.pg_catalog`.

`mapping` holds what a declared type says of its table against the table; `features` asks for what its root fields need.
The doctor and `tripgate dev` ask them of a database that runs, `tripgate schema --check` and the tests of the file.
"""
