-- Stage 5: pictures, which are objects of Storage. There are no tables of their own; objects are seen as rows of a view.


-- stored_files -----------------------------------------------------------------------------------------------------------

-- Under the caller's own policies. What an object belongs to is null where its name is none of ours.
create view public.stored_files with (security_invoker = true) as
    select
        objects.id,
        objects.bucket_id as bucket,
        objects.name as path,
        objects.metadata ->> 'mimetype' as content_type,
        case jsonb_typeof(objects.metadata -> 'size')
            when 'number' then trunc((objects.metadata ->> 'size')::numeric)::bigint
            else 0
        end as size,
        case
            when objects.owner_id ~ '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$'
                then objects.owner_id::uuid
        end as uploader_id,
        case
            when objects.bucket_id = 'trip-images'
                and objects.name ~ '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/'
                then split_part(objects.name, '/', 1)::uuid
        end as trip_id,
        objects.created_at,
        objects.updated_at
    from storage.objects
    where objects.bucket_id in ('trip-images', 'place-photos', 'user-avatars');
comment on view public.stored_files is 'A picture, as an object of Storage.';
comment on column public.stored_files.id is 'The picture''s id.';
comment on column public.stored_files.bucket is 'The bucket that it lies in.';
comment on column public.stored_files.path is 'What it is called there: the id of what it belongs to, a slash, and a name of its own.';
comment on column public.stored_files.content_type is 'What kind of picture it is, as in image/webp.';
comment on column public.stored_files.size is 'How many bytes it has.';
comment on column public.stored_files.uploader_id is 'The person who uploaded it, and for whom its bytes count.';
comment on column public.stored_files.trip_id is 'The trip that it is a picture of; null for pictures of anything else.';
comment on column public.stored_files.created_at is 'When it was uploaded.';
comment on column public.stored_files.updated_at is 'When it was last replaced or moved.';
revoke all on public.stored_files from anon, authenticated, service_role;
grant select on public.stored_files to authenticated, service_role;
