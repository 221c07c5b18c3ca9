-- The project may write policies and triggers on Storage's tables, and changes nothing else in its schema: there it owns
-- nothing on the platform. Here it is a member of the owner, since Postgres knows no other way to let it write policies.

create function storage.refuse_changes_by_the_project() returns event_trigger language plpgsql as $$
declare
    command record;
begin
    if current_user <> 'postgres' then
        return;
    end if;
    for command in
        select object_type, object_identity from pg_event_trigger_ddl_commands() where schema_name = 'storage'
    loop
        if command.object_type not in ('policy', 'trigger') then
            raise insufficient_privilege using
                message = format('permission denied for schema storage: %s %s', command.object_type, command.object_identity),
                hint = 'The platform allows policies and triggers on Storage''s tables, and no indexes or functions.';
        end if;
    end loop;
end
$$;

create event trigger storage_is_the_platforms on ddl_command_end
    when tag in (
        'CREATE INDEX', 'ALTER INDEX', 'CREATE TABLE', 'ALTER TABLE', 'CREATE VIEW', 'CREATE FUNCTION', 'ALTER FUNCTION',
        'CREATE TYPE', 'ALTER TYPE', 'COMMENT'
    )
    execute function storage.refuse_changes_by_the_project();
