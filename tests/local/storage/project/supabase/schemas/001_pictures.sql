-- Three buckets: of each person's own pictures, of drawings that an admirer may only read, and one that is public.

insert into storage.buckets (id, name, public, file_size_limit, allowed_mime_types) values
    ('pictures', 'pictures', false, null, null),
    ('drawings', 'drawings', false, 1000, array['image/png', 'text/*']),
    ('faces', 'faces', true, null, null);

create policy "People read their own pictures" on storage.objects for select to authenticated
    using (bucket_id = 'pictures' and (storage.foldername(objects.name))[1] = (select auth.uid())::text);
create policy "People add their own pictures" on storage.objects for insert to authenticated
    with check (bucket_id = 'pictures' and (storage.foldername(objects.name))[1] = (select auth.uid())::text);
create policy "People change their own pictures" on storage.objects for update to authenticated
    using (bucket_id = 'pictures' and (storage.foldername(objects.name))[1] = (select auth.uid())::text);
create policy "People delete their own pictures" on storage.objects for delete to authenticated
    using (bucket_id = 'pictures' and (storage.foldername(objects.name))[1] = (select auth.uid())::text);
create policy "People read all drawings" on storage.objects for select to authenticated
    using (bucket_id = 'drawings');
