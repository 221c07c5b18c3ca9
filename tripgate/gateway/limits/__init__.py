"""How much one request may ask for: pure functions over its document, its variables and its merged selection.

`reading` and `document` run once per document, before it is validated; `inputs` once per request, before its variables
are coerced; `cost` once per operation and variables, before anything is sent. All of them refuse with an `ApiError`
whose extensions say the `limit` and, where it was counted to the end, what was `found`.
"""
