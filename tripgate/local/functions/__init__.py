"""Edge Functions: the project's own TypeScript on real Deno, behind the front door's `/functions/v1`."""
