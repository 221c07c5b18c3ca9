-- Requests that say by when they want an answer: `X-Deadline-Ms: 1500` makes Postgres give the statement up after 1.5
-- seconds, where without it the role's own limit holds. Whoever asks has given up by then, and a statement that goes on
-- for nobody takes a connection from somebody.


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

-- A setting of the role and not of PostgREST's configuration, so that it is the same wherever this project is. To do
-- without: `alter role authenticator reset pgrst.db_pre_request`.
alter role authenticator set pgrst.db_pre_request = 'requests.keep_deadline';
notify pgrst, 'reload config';
