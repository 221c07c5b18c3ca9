"""What happens when Supabase is slow, away or overrun: deadlines, retries, breakers, and a door that can be full."""
