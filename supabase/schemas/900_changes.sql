-- Live changes: everything that happens to a row on which people share, and to what belongs to it, is told on the row's
-- private topic, `<scope>:<key>`, once a change; and a person hears on their own, `user:<id>`, what concerns them alone.
--
-- Each scope has a function, `private.broadcast_<scope>`, and each of its tables a trigger that calls it: generated. They
-- find the topic and leave the rest to this.


-- Telling -------------------------------------------------------------------------------------------------------------

-- One message. A deletion tells the key, a membership's that of the root as well, and nothing else.
create function private.broadcast(
    topic text, operation text, source_schema name, source name, new_row jsonb, old_row jsonb
) returns void language plpgsql security definer set search_path = '' as $$
begin
    perform realtime.send(
        jsonb_build_object(
            'schema', source_schema, 'table', source, 'operation', operation, 'record', new_row, 'old_record', old_row
        ),
        operation, topic, true
    );
end
$$;
revoke execute on function private.broadcast(text, text, name, name, jsonb, jsonb) from public;

-- A change of a row that belonged to the root with the key `before` and now belongs to `after`; null for none. What moves
-- goes from the one and comes to the other. `key` names the columns that a deletion tells, with commas between them, and
-- `shown` those that may be told, where not all may.
create function private.broadcast_change(
    scope text, before text, after text, key text, shown text[], source_schema name, source name,
    new_row jsonb, old_row jsonb
) returns void language plpgsql security definer set search_path = '' as $$
declare
    gone jsonb;
begin
    if cardinality(shown) > 0 then
        new_row := (
            select jsonb_object_agg(name, value) from jsonb_each(new_row) as part (name, value) where name = any (shown)
        );
        old_row := (
            select jsonb_object_agg(name, value) from jsonb_each(old_row) as part (name, value) where name = any (shown)
        );
    end if;
    if before = after then
        perform private.broadcast(scope || ':' || after, 'UPDATE', source_schema, source, new_row, old_row);
        return;
    end if;
    if before is not null then
        gone := (
            select jsonb_object_agg(name, old_row -> name) from unnest(string_to_array(key, ',')) as part (name)
        );
        perform private.broadcast(scope || ':' || before, 'DELETE', source_schema, source, null, gone);
    end if;
    if after is not null then
        perform private.broadcast(scope || ':' || after, 'INSERT', source_schema, source, new_row, null);
    end if;
end
$$;
revoke execute on function private.broadcast_change(text, text, text, text, text[], name, name, jsonb, jsonb) from public;


-- Who may join which private channel ----------------------------------------------------------------------------------

-- A stage that declares a scope adds what its helper `private.my_<scope>_ids` returns: generated.
create function private.my_topics() returns setof text
language plpgsql stable security definer set search_path = '' as $$
begin
    return query select 'user:' || auth.uid();
end
$$;
comment on function private.my_topics() is 'The topics that the caller may listen to: their own, and those of all that they take part in.';
revoke execute on function private.my_topics() from public;
grant execute on function private.my_topics() to authenticated;

-- Compared as text, so that a topic of any form is at worst nobody's.
create policy "People can listen to what they take part in" on realtime.messages
    for select to authenticated
    using (
        extension in ('broadcast', 'presence')
        and (select realtime.topic()) = any (array(select private.my_topics()))
    );

-- Changes come from the database alone: a client can tell that it is there, and nothing else. Who is on their own topic
-- is nobody's business.
create policy "People can be seen where they take part" on realtime.messages
    for insert to authenticated
    with check (
        extension = 'presence'
        and (select realtime.topic()) = any (array(select private.my_topics()))
        and (select realtime.topic()) <> 'user:' || (select auth.uid())
    );
