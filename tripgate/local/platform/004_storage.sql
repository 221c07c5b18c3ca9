-- Schema storage: buckets, objects and the helpers that policies call. What lists objects is in 008_storage_lists.sql.

create type storage.buckettype as enum ('STANDARD', 'ANALYTICS', 'VECTOR');

create table storage.buckets (
    id text not null,
    name text not null,
    owner uuid,
    created_at timestamptz default now(),
    updated_at timestamptz default now(),
    public boolean default false,
    avif_autodetection boolean default false,
    file_size_limit bigint,
    allowed_mime_types text[],
    owner_id text,
    type storage.buckettype not null default 'STANDARD',
    versioning_status text not null default 'DISABLED',
    constraint buckets_pkey primary key (id),
    constraint buckets_versioning_status_check check (versioning_status in ('DISABLED', 'ENABLED', 'SUSPENDED')),
    constraint buckets_versioning_standard_only_check check (type = 'STANDARD' or versioning_status = 'DISABLED'),
    constraint buckets_versioning_dark_check check (versioning_status = 'DISABLED')
);
comment on column storage.buckets.owner is 'Deprecated: use owner_id.';

create unique index bname on storage.buckets (name);

create table storage.objects (
    id uuid not null default gen_random_uuid(),
    bucket_id text,
    name text,
    owner uuid,
    created_at timestamptz default now(),
    updated_at timestamptz default now(),
    last_accessed_at timestamptz default now(),
    metadata jsonb,
    path_tokens text[] generated always as (string_to_array(name, '/')) stored,
    version text,
    owner_id text,
    user_metadata jsonb,
    archived_at timestamptz,
    is_delete_marker boolean not null default false,
    is_versioned boolean not null default false,
    constraint objects_pkey primary key (id),
    constraint "objects_bucketId_fkey" foreign key (bucket_id) references storage.buckets (id)
);
comment on column storage.objects.owner is 'Deprecated: use owner_id.';

create unique index bucketid_objname on storage.objects (bucket_id, name);
create index name_prefix_search on storage.objects (name text_pattern_ops);
create index idx_objects_bucket_id_name on storage.objects (bucket_id, (name collate "C"));
create index idx_objects_bucket_id_name_lower on storage.objects (bucket_id, (lower(name) collate "C"));

create function storage.foldername(name text) returns text[] language sql immutable as $$
    select trim_array(parts, 1) from string_to_array(name, '/') as parts where cardinality(parts) > 0
$$;
comment on function storage.foldername(text) is 'The folders of an object''s name: all but its last segment.';

create function storage.filename(name text) returns text language sql immutable as $$
    select split_part(name, '/', -1)
$$;
comment on function storage.filename(text) is 'The last segment of an object''s name.';

create function storage.extension(name text) returns text language sql immutable as $$
    select split_part(split_part(name, '/', -1), '.', -1)
$$;
comment on function storage.extension(text) is 'What follows the last dot of an object''s name.';

create function storage.operation() returns text language sql stable as $$
    select current_setting('storage.operation', true)
$$;
comment on function storage.operation() is 'What the Storage API is doing, such as storage.object.upload; null outside it.';

create function storage.allow_any_operation(expected_operations text[]) returns boolean language sql stable as $$
    select coalesce(
        regexp_replace(storage.operation(), '^storage\.', '') = any (
            select regexp_replace(expected, '^storage\.', '') from unnest(expected_operations) as expected
            where expected <> ''
        ),
        false
    )
$$;
comment on function storage.allow_any_operation(text[]) is
    'Whether the Storage API is doing one of these; the first part of their names, storage, may be left out.';

create function storage.allow_only_operation(expected_operation text) returns boolean language sql stable as $$
    select storage.allow_any_operation(array[expected_operation])
$$;
comment on function storage.allow_only_operation(text) is 'Whether the Storage API is doing this.';

create function storage.get_size_by_bucket() returns table (size bigint, bucket_id text) language sql stable as $$
    select sum((objects.metadata ->> 'size')::bigint)::bigint, objects.bucket_id
    from storage.objects group by objects.bucket_id
$$;
comment on function storage.get_size_by_bucket() is 'The bytes of each bucket''s objects that the caller sees.';

create function storage.enforce_bucket_name_length() returns trigger language plpgsql as $$
begin
    if length(new.name) > 100 then
        raise exception 'bucket name "%" is too long (% characters). Max is 100.', new.name, length(new.name);
    end if;
    return new;
end
$$;

create trigger enforce_bucket_name_length_trigger before insert or update of name on storage.buckets
    for each row execute function storage.enforce_bucket_name_length();

-- Deleting a row leaves its bytes behind, so only the Storage API does it.
create function storage.protect_delete() returns trigger language plpgsql as $$
begin
    if current_setting('storage.allow_delete_query', true) is distinct from 'true' then
        raise insufficient_privilege using
            message = 'Direct deletion from storage tables is not allowed. Use the Storage API instead.',
            hint = 'This prevents accidental data loss from orphaned objects.';
    end if;
    return null;
end
$$;

create trigger protect_buckets_delete before delete on storage.buckets
    for each statement execute function storage.protect_delete();
create trigger protect_objects_delete before delete on storage.objects
    for each statement execute function storage.protect_delete();

create function storage.update_updated_at_column() returns trigger language plpgsql as $$
begin
    new.updated_at = now();
    return new;
end
$$;

create trigger update_objects_updated_at before update on storage.objects
    for each row execute function storage.update_updated_at_column();

alter type storage.buckettype owner to supabase_storage_admin;
alter table storage.buckets owner to supabase_storage_admin;
alter table storage.objects owner to supabase_storage_admin;
alter function storage.foldername(text) owner to supabase_storage_admin;
alter function storage.filename(text) owner to supabase_storage_admin;
alter function storage.extension(text) owner to supabase_storage_admin;
alter function storage.operation() owner to supabase_storage_admin;
alter function storage.allow_any_operation(text[]) owner to supabase_storage_admin;
alter function storage.allow_only_operation(text) owner to supabase_storage_admin;
alter function storage.get_size_by_bucket() owner to supabase_storage_admin;
alter function storage.enforce_bucket_name_length() owner to supabase_storage_admin;
alter function storage.protect_delete() owner to supabase_storage_admin;
alter function storage.update_updated_at_column() owner to supabase_storage_admin;

-- The grants are open and row level security is closed: a project's policies decide.
alter table storage.buckets enable row level security;
alter table storage.objects enable row level security;
grant all on storage.buckets, storage.objects to postgres with grant option;
grant all on storage.buckets, storage.objects to anon, authenticated, service_role;
