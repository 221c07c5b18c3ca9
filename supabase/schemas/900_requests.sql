-- Requests that say by when they want an answer: `X-Deadline-Ms: 1500` makes Postgres give the statement up after 1.5
-- seconds, where without it the role's own limit holds. Whoever asks has given up by then, and a statement that goes on
-- for nobody takes a connection from somebody. And what is refused before it begins: writes of accounts that are gone.


-- Begin a request -----------------------------------------------------------------------------------------------------

-- PostgREST calls it as the caller's role, which may not look into `private`.
create schema requests;
comment on schema requests is 'What PostgREST calls as a request begins; never exposed by the API.';
grant usage on schema requests to anon, authenticated, service_role;

-- A client can only ask for less than its role is allowed. A limit of 0 is none, for Postgres, so nobody can ask for that.
create function requests.keep_deadline() returns void language plpgsql set search_path = '' as $$
declare
    asked constant text := nullif(current_setting('request.headers', true), '')::json ->> 'x-deadline-ms';
    allowed constant interval := current_setting('statement_timeout')::interval;
begin
    if asked ~ '^[1-9][0-9]{0,8}$'
        and (allowed = interval '0' or asked::integer * interval '1 millisecond' < allowed)
    then
        perform set_config('statement_timeout', asked, true);
    end if;
end
$$;
comment on function requests.keep_deadline() is 'Ends the request''s statement after as many milliseconds as its header X-Deadline-Ms says, where that is less than its role may take.';
revoke execute on function requests.keep_deadline() from public;
grant execute on function requests.keep_deadline() to anon, authenticated, service_role;


-- Refuse a request ------------------------------------------------------------------------------------------------------

-- As definer, since callers may not look into `private`: for functions that run as their caller.
create function requests.refuse(code text, message text, extensions jsonb default '{}') returns void
language plpgsql security definer set search_path = '' as $$
begin
    perform private.refuse(code, message, extensions);
end
$$;
comment on function requests.refuse(text, text, jsonb) is 'Ends a statement as private.refuse does, for functions that run as their caller.';
revoke execute on function requests.refuse(text, text, jsonb) from public;
grant execute on function requests.refuse(text, text, jsonb) to anon, authenticated, service_role;


-- An account that is gone -------------------------------------------------------------------------------------------------

-- An access token outlives its account, by an hour as a rule. Nothing is left for it to read, but what it writes would be
-- refused for reasons that mislead: a reference to somebody who is not there, a row that may not be seen.
create function requests.check_account() returns void language plpgsql stable security definer set search_path = '' as $$
declare
    me constant uuid := auth.uid();
begin
    if me is not null and current_setting('request.method', true) not in ('GET', 'HEAD')
        and not exists (select from auth.users where users.id = me and users.deleted_at is null)
    then
        perform private.refuse('UNAUTHENTICATED', 'This account does not exist any more.');
    end if;
end
$$;
comment on function requests.check_account() is 'Refuses writes under the token of an account that does not exist any more.';
revoke execute on function requests.check_account() from public;
grant execute on function requests.check_account() to anon, authenticated, service_role;


-- Both --------------------------------------------------------------------------------------------------------------------

create function requests.begin_request() returns void language plpgsql set search_path = '' as $$
begin
    perform requests.keep_deadline();
    perform requests.check_account();
end
$$;
comment on function requests.begin_request() is 'What PostgREST calls before each request: keeps its deadline, and refuses writes of accounts that are gone.';
revoke execute on function requests.begin_request() from public;
grant execute on function requests.begin_request() to anon, authenticated, service_role;

-- A setting of the role and not of PostgREST's configuration, so that it is the same wherever this project is. To do
-- without: `alter role authenticator reset pgrst.db_pre_request`.
alter role authenticator set pgrst.db_pre_request = 'requests.begin_request';
notify pgrst, 'reload config';
