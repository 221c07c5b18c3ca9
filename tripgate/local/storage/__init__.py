"""The Storage stand-in: `/storage/v1` of the embedded Supabase, a process of its own, over real tables and policies.

Bytes lie in the data directory, one file for each version of an object, named by the version alone; rows lie in schema
`storage`. Bytes come first, then the row that makes them an object; a row goes first, then its bytes. So a crash leaves
no row without bytes, and the next start removes bytes without a row.
"""
