create table public.nothing (id uuid primary key);
