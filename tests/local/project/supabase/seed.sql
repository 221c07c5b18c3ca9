insert into public.announcements (id, body) values (1, 'Welcome');
