-- Where pictures lie, how large they may be and of which types, and who removes them. No SVG: it is a program.
-- rows of storage.buckets by id: name, public, file_size_limit, allowed_mime_types where id in ('trip-images', 'place-photos', 'user-avatars')
insert into storage.buckets (id, name, public, file_size_limit, allowed_mime_types) values
    ('trip-images', 'trip-images', false, 52428800, '{image/jpeg,image/png,image/webp,image/avif}'),
    ('place-photos', 'place-photos', false, 52428800, '{image/jpeg,image/png,image/webp,image/avif}'),
    ('user-avatars', 'user-avatars', true, 5242880, '{image/jpeg,image/png,image/webp,image/avif}')
on conflict (id) do update set
    name = excluded.name, public = excluded.public, file_size_limit = excluded.file_size_limit,
    allowed_mime_types = excluded.allowed_mime_types;

-- rows of private.task_kinds by kind: function where kind = 'remove_objects'
insert into private.task_kinds (kind, function) values ('remove_objects', 'clean-storage')
on conflict (kind) do update set function = excluded.function;
