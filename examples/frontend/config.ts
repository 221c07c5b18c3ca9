// What `make dev` printed; in production, your gateway and your Supabase project.
export const GRAPHQL_URL = "http://127.0.0.1:8000/graphql";
export const SUPABASE_URL = "http://127.0.0.1:54321";
export const PUBLISHABLE_KEY = "sb_publishable_…";
