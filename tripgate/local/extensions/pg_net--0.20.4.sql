-- pg_net's schema, by its names and arguments. Written anew for a Postgres that cannot load it: the requests are sent by
-- tripgate/local/scheduler, which hears of them when their transaction commits. Runs as superuser.

create schema net;

create domain net.http_method as text check (upper(value) in ('GET', 'POST', 'DELETE'));

create type net.request_status as enum ('PENDING', 'SUCCESS', 'ERROR');
create type net.http_response as (status_code integer, headers jsonb, body text);
create type net.http_response_result as (status net.request_status, message text, response net.http_response);

-- requests and what came back -----------------------------------------------------------------------------------------

create unlogged table net.http_request_queue (
    id bigserial not null,
    method net.http_method not null,
    url text not null,
    headers jsonb,
    body bytea,
    timeout_milliseconds integer not null
);
-- The stand-in takes single requests out of it.
create index http_request_queue_id_idx on net.http_request_queue (id);

create unlogged table net._http_response (
    id bigint,
    status_code integer,
    content_type text,
    headers jsonb,
    content text,
    timed_out boolean,
    error_msg text,
    created timestamptz not null default now()
);
create index _http_response_created_idx on net._http_response (created);

-- Told when the transaction commits, and not at all when it does not.
create function net.wake() returns void language sql set search_path = '' as $$
    select pg_notify('tripgate_scheduler', 'net')
$$;

create function net._urlencode_string(string character varying) returns text
language sql immutable set search_path = '' as $$
    select coalesce(string_agg(
        case when letter ~ '^[A-Za-z0-9_.~-]$' then letter
            else regexp_replace(upper(encode(convert_to(letter, 'UTF8'), 'hex')), '(..)', '%\1', 'g') end,
        '' order by place
    ), '')
    from unnest(string_to_array(string, null)) with ordinality as letters (letter, place)
$$;

create function net._encode_url_with_params_array(url text, params_array text[]) returns text
language plpgsql immutable set search_path = '' as $$
begin
    if url !~* '^https?://[^/?#[:space:]]' or url ~ '[[:space:][:cntrl:]]' then
        raise exception 'URL using bad/illegal format or missing URL';
    elsif cardinality(params_array) = 0 then
        return url;
    end if;
    return split_part(url, '#', 1) || case when split_part(url, '#', 1) like '%?%' then '&' else '?' end
        || array_to_string(params_array, '&');
end
$$;

-- One request in the queue; its id finds the response.
create function net._enqueue(
    method text, url text, params jsonb, headers jsonb, body jsonb, timeout_milliseconds integer
) returns bigint language sql set search_path = '' as $$
    insert into net.http_request_queue (method, url, headers, body, timeout_milliseconds)
    values (
        method,
        net._encode_url_with_params_array(url, array(
            select net._urlencode_string(key) || '=' || net._urlencode_string(value)
            from jsonb_each_text(params) as param (key, value)
        )),
        headers,
        convert_to(body::text, 'UTF8'),
        timeout_milliseconds
    );
    select net.wake();
    select currval('net.http_request_queue_id_seq')
$$;

create function net.http_get(
    url text, params jsonb default '{}', headers jsonb default '{}', timeout_milliseconds integer default 5000
) returns bigint language sql set search_path = '' as $$
    select net._enqueue('GET', url, params, headers, null, timeout_milliseconds)
$$;

create function net.http_post(
    url text,
    body jsonb default '{}',
    params jsonb default '{}',
    headers jsonb default '{"Content-Type": "application/json"}',
    timeout_milliseconds integer default 5000
) returns bigint language plpgsql set search_path = '' as $$
declare
    content_type constant text := (
        select header.value from jsonb_each_text(headers) as header (name, value)
        where lower(header.name) = 'content-type' limit 1
    );
begin
    if content_type <> 'application/json' then
        raise exception 'Content-Type header must be "application/json"';
    elsif content_type is null then
        headers := coalesce(headers, '{}') || '{"Content-Type": "application/json"}';
    end if;
    return net._enqueue('POST', url, params, headers, body, timeout_milliseconds);
end
$$;

create function net.http_delete(
    url text,
    params jsonb default '{}',
    headers jsonb default '{}',
    timeout_milliseconds integer default 5000,
    body jsonb default null
) returns bigint language sql set search_path = '' as $$
    select net._enqueue('DELETE', url, params, headers, body, timeout_milliseconds)
$$;

-- Waits for a response: of a request that another transaction has committed, since this one's is not sent yet.
create function net._await_response(request_id bigint) returns boolean language plpgsql set search_path = '' as $$
begin
    while not exists (select from net._http_response where id = request_id) loop
        perform pg_sleep(0.05);
    end loop;
    return true;
end
$$;

create function net._http_collect_response(request_id bigint, async boolean default true)
returns net.http_response_result language plpgsql set search_path = '' as $$
declare
    found_response net._http_response;
begin
    if not async then
        perform net._await_response(request_id);
    end if;
    select * into found_response from net._http_response where id = request_id;
    if found_response.id is null or found_response.error_msg is not null then
        return row(
            'ERROR', coalesce(found_response.error_msg, 'request matching request_id not found'), null
        )::net.http_response_result;
    end if;
    return row('SUCCESS', 'ok', row(
        found_response.status_code, found_response.headers, found_response.content
    )::net.http_response)::net.http_response_result;
end
$$;

create function net.http_collect_response(request_id bigint, async boolean default true)
returns net.http_response_result language sql set search_path = '' as $$
    select net._http_collect_response(request_id, async)
$$;

-- rights --------------------------------------------------------------------------------------------------------------

-- The platform lets every role in, since it exposes no such schema; here nobody gets in who has no business there.
grant usage on schema net to postgres with grant option;
grant usage on schema net to service_role;
grant all on all tables in schema net to postgres with grant option;
grant all on all tables in schema net to service_role;
grant all on all sequences in schema net to postgres with grant option;
grant all on all sequences in schema net to service_role;
