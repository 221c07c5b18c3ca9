"""What `tripgate doctor` looks at: the settings, keys, schema and policies of a Supabase that exists, told in words."""
