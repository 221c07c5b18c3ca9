"""The only I/O to Supabase: tables by PostgREST, accounts by Auth. Everything is given plain constructor values."""
