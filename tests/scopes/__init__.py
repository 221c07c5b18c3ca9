"""Several scopes in one program, with roots of other keys than uuids, in a project of their own."""
