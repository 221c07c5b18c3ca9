SET local check_function_bodies = off;

CREATE SEQUENCE "private"."task_tokens" AS bigint INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1 NO CYCLE;

CREATE TABLE "private"."task_kinds" (
  "kind"     text NOT NULL,
  "function" text NOT NULL,
  CONSTRAINT "task_kinds_function_check" CHECK ((function ~ '^[a-z0-9][a-z0-9_-]{0,62}$'::text)),
  CONSTRAINT "task_kinds_kind_check" CHECK ((kind ~ '^[a-z][a-z0-9_]{0,62}$'::text)),
  CONSTRAINT "task_kinds_pkey" PRIMARY KEY (kind)
);

ALTER TABLE "private"."task_kinds"
  ENABLE ROW LEVEL SECURITY;

CREATE TABLE "private"."tasks" (
  "id"          uuid                     NOT NULL DEFAULT gen_random_uuid(),
  "kind"        text                     NOT NULL,
  "subject"     text,
  "payload"     jsonb                    NOT NULL DEFAULT '{}'::jsonb,
  "run_at"      timestamp with time zone NOT NULL DEFAULT now(),
  "status"      text                     NOT NULL DEFAULT 'waiting'::text,
  "attempts"    integer                  NOT NULL DEFAULT 0,
  "lease_until" timestamp with time zone,
  "token"       bigint,
  "dedupe_key"  text,
  "last_error"  text,
  "created_at"  timestamp with time zone NOT NULL DEFAULT now(),
  "finished_at" timestamp with time zone,
  CONSTRAINT "tasks_attempts_check" CHECK (((attempts >= 0) AND (attempts <= 8))),
  CONSTRAINT "tasks_dedupe_key_check" CHECK ((char_length(dedupe_key) <= 200)),
  CONSTRAINT "tasks_dedupe_key_key" UNIQUE (dedupe_key),
  CONSTRAINT "tasks_finished_at_check" CHECK (((status = ANY (ARRAY['done'::text, 'failed'::text])) = (finished_at IS NOT NULL))),
  CONSTRAINT "tasks_kind_check" CHECK ((kind ~ '^[a-z][a-z0-9_]{0,62}$'::text)),
  CONSTRAINT "tasks_last_error_check" CHECK ((char_length(last_error) <= 2000)),
  CONSTRAINT "tasks_lease_until_check" CHECK (((status = 'running'::text) = (lease_until IS NOT NULL))),
  CONSTRAINT "tasks_payload_check" CHECK (((jsonb_typeof(payload) = 'object'::text) AND (octet_length((payload)::text) <= 65536))),
  CONSTRAINT "tasks_pkey" PRIMARY KEY (id),
  CONSTRAINT "tasks_status_check" CHECK ((status = ANY (ARRAY['waiting'::text, 'running'::text, 'done'::text, 'failed'::text]))),
  CONSTRAINT "tasks_subject_check" CHECK ((char_length(subject) <= 200))
);

ALTER TABLE "private"."tasks"
  ENABLE ROW LEVEL SECURITY;

CREATE OR REPLACE FUNCTION private.backoff (
  attempts integer
)
  RETURNS interval
  LANGUAGE sql
  SET search_path TO ''
  AS $function$
    select interval '30 seconds' * 3 ^ (attempts - 1) * (0.5 + random() / 2)
$function$;

CREATE OR REPLACE FUNCTION private.check_lease (
  seconds integer
)
  RETURNS void
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
begin
    if coalesce(seconds, 0) not between 1 and 3600 then
        perform private.refuse('BAD_USER_INPUT', 'A lease lasts 1 to 3,600 seconds.', '{"field": "lease_seconds"}');
    end if;
end
$function$;

CREATE OR REPLACE FUNCTION private.claim (
  kinds text[],
  most  integer,
  lease interval
)
  RETURNS SETOF private.tasks
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
declare
    moment timestamptz;
    asked text[] := array(select wanted from unnest(kinds) as wanted group by wanted order by random());
    more text[];
    wanted text;
    rest integer := most;
    share integer;
    found_now integer;
begin
    perform private.release_tasks(kinds);
    -- A value: a function of the clock could not be looked up in an index.
    moment := clock_timestamp();
    while rest > 0 and cardinality(asked) > 0 loop
        more := '{}';
        for place in 1 .. cardinality(asked) loop
            exit when rest = 0;
            wanted := asked[place];
            share := ceil(rest::numeric / (cardinality(asked) - place + 1));
            return query
                with due as materialized (
                    select task.id from private.tasks as task
                    where task.kind = wanted and task.status = 'waiting' and task.run_at <= moment
                    order by task.run_at limit share
                    for update skip locked
                )
                update private.tasks as task set
                    status = 'running',
                    attempts = task.attempts + 1,
                    lease_until = clock_timestamp() + lease,
                    token = nextval('private.task_tokens')
                from due where task.id = due.id
                returning task.*;
            get diagnostics found_now = row_count;
            rest := rest - found_now;
            if found_now = share then
                more := more || wanted;
            end if;
        end loop;
        asked := more;
    end loop;
end
$function$;

CREATE OR REPLACE FUNCTION private.enqueue (
  kind       text,
  subject    text,
  payload    jsonb,
  run_at     timestamp with time zone DEFAULT now(),
  dedupe_key text                     DEFAULT NULL::text
)
  RETURNS uuid
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
declare
    made uuid;
begin
    loop
        insert into private.tasks as task (kind, subject, payload, run_at, dedupe_key)
        values (
            enqueue.kind, enqueue.subject, coalesce(enqueue.payload, '{}'), coalesce(enqueue.run_at, now()),
            enqueue.dedupe_key
        )
        on conflict on constraint tasks_dedupe_key_key do nothing
        returning task.id into made;
        exit when found;
        select task.id into made from private.tasks as task where task.dedupe_key = enqueue.dedupe_key;
        -- Not there: it was thrown away in between.
        exit when found;
    end loop;
    return made;
end
$function$;

CREATE OR REPLACE FUNCTION private.fail (
  task  uuid,
  token bigint,
  error text,
  wait  interval,
  final boolean
)
  RETURNS text
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
declare
    moment constant timestamptz := clock_timestamp();
    becomes text;
begin
    update private.tasks set
        status = case when final or tasks.attempts >= 8 then 'failed' else 'waiting' end,
        run_at = case
            when final or tasks.attempts >= 8 then tasks.run_at
            else moment + greatest(private.backoff(tasks.attempts), wait)
        end,
        finished_at = case when final or tasks.attempts >= 8 then moment end,
        lease_until = null,
        last_error = left(error, 2000)
    where tasks.id = task and tasks.token = fail.token and tasks.status = 'running' and tasks.lease_until > moment
    returning tasks.status into becomes;
    if not found then
        select tasks.status into becomes from private.tasks
        where tasks.id = task and tasks.token = fail.token and tasks.status in ('waiting', 'failed');
        if not found then
            perform private.refuse_task(task);
        end if;
    end if;
    return becomes;
end
$function$;

CREATE OR REPLACE FUNCTION private.finish (
  task  uuid,
  token bigint
)
  RETURNS void
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
declare
    moment constant timestamptz := clock_timestamp();
begin
    update private.tasks set
        status = 'done', finished_at = moment, lease_until = null, last_error = null, payload = '{}'
    where tasks.id = task and tasks.token = finish.token and tasks.status = 'running' and tasks.lease_until > moment;
    if not found and not exists (
        select from private.tasks where tasks.id = task and tasks.token = finish.token and tasks.status = 'done'
    ) then
        perform private.refuse_task(task);
    end if;
end
$function$;

CREATE OR REPLACE FUNCTION private.prune_tasks()
  RETURNS integer
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
declare
    gone integer;
begin
    perform private.release_tasks();
    delete from private.tasks
    where finished_at < now() - interval '7 days' and (status = 'done' or finished_at < now() - interval '90 days');
    get diagnostics gone = row_count;
    return gone;
end
$function$;

CREATE OR REPLACE FUNCTION private.refuse_task (
  task uuid
)
  RETURNS void
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
begin
    if not exists (select from private.tasks where tasks.id = task) then
        perform private.refuse('NOT_FOUND', 'There is no such task.');
    end if;
    perform private.refuse(
        'CONFLICT', 'This task is not yours any more: its lease ran out, or somebody else has claimed it since.',
        '{"reason": "LEASE_LOST"}'
    );
end
$function$;

CREATE OR REPLACE FUNCTION private.release_tasks (
  kinds text[] DEFAULT NULL::text[]
)
  RETURNS void
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
declare
    moment constant timestamptz := clock_timestamp();
begin
    with lost as materialized (
        select task.id from private.tasks as task
        where task.status = 'running' and task.lease_until <= moment and (kinds is null or task.kind = any (kinds))
        for update skip locked
    )
    update private.tasks as task set
        status = case when task.attempts < 8 then 'waiting' else 'failed' end,
        run_at = case when task.attempts < 8 then moment else task.run_at end,
        finished_at = case when task.attempts < 8 then null else moment end,
        lease_until = null,
        last_error = 'Whoever had claimed it did not finish before its lease ran out.'
    from lost where task.id = lost.id;
end
$function$;

CREATE OR REPLACE FUNCTION private.renew (
  task  uuid,
  token bigint,
  lease interval
)
  RETURNS timestamp WITH time zone
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
declare
    moment constant timestamptz := clock_timestamp();
    renewed timestamptz;
begin
    update private.tasks set lease_until = greatest(tasks.lease_until, moment + lease)
    where tasks.id = task and tasks.token = renew.token and tasks.status = 'running' and tasks.lease_until > moment
    returning tasks.lease_until into renewed;
    if not found then
        perform private.refuse_task(task);
    end if;
    return renewed;
end
$function$;

CREATE OR REPLACE FUNCTION public.claim_tasks (
  kinds         text[],
  most          integer DEFAULT 10,
  lease_seconds integer DEFAULT 60
)
  RETURNS TABLE (
    id          uuid,
    kind        text,
    subject     text,
    payload     jsonb,
    attempts    integer,
    token       bigint,
    lease_until timestamp with time zone
  )
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
begin
    if coalesce(cardinality(kinds), 0) not between 1 and 100 or array_position(kinds, null) is not null then
        perform private.refuse('BAD_USER_INPUT', 'Name 1 to 100 kinds of tasks.', '{"field": "kinds"}');
    end if;
    if coalesce(most, 0) not between 1 and 100 then
        perform private.refuse('BAD_USER_INPUT', 'Claim 1 to 100 tasks at once.', '{"field": "most"}');
    end if;
    perform private.check_lease(lease_seconds);
    return query
        select task.id, task.kind, task.subject, task.payload, task.attempts, task.token, task.lease_until
        from private.claim(kinds, most, lease_seconds * interval '1 second') as task;
end
$function$;

REVOKE ALL ON FUNCTION "public"."claim_tasks"(text[], integer, integer) FROM PUBLIC, "anon", "authenticated";

CREATE OR REPLACE FUNCTION public.fail_task (
  task          uuid,
  token         bigint,
  error         text,
  retry_seconds integer DEFAULT 0,
  final         boolean DEFAULT false
)
  RETURNS text
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
begin
    if coalesce(retry_seconds, -1) not between 0 and 604800 then
        perform private.refuse('BAD_USER_INPUT', 'Try again after 0 seconds to a week.', '{"field": "retry_seconds"}');
    end if;
    return private.fail(task, token, error, retry_seconds * interval '1 second', coalesce(final, false));
end
$function$;

REVOKE ALL ON FUNCTION "public"."fail_task"(uuid, bigint, text, integer, boolean) FROM PUBLIC, "anon", "authenticated";

CREATE OR REPLACE FUNCTION public.finish_task (
  task  uuid,
  token bigint
)
  RETURNS void
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
begin
    perform private.finish(task, token);
end
$function$;

REVOKE ALL ON FUNCTION "public"."finish_task"(uuid, bigint) FROM PUBLIC, "anon", "authenticated";

CREATE OR REPLACE FUNCTION public.renew_task (
  task          uuid,
  token         bigint,
  lease_seconds integer DEFAULT 60
)
  RETURNS timestamp WITH time zone
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
begin
    perform private.check_lease(lease_seconds);
    return private.renew(task, token, lease_seconds * interval '1 second');
end
$function$;

REVOKE ALL ON FUNCTION "public"."renew_task"(uuid, bigint, integer) FROM PUBLIC, "anon", "authenticated";

CREATE INDEX idx_tasks_kind_lease_until ON private.tasks USING btree (kind, lease_until)
  WHERE (status = 'running'::text);

CREATE INDEX idx_tasks_kind_run_at ON private.tasks USING btree (kind, run_at)
  WHERE (status = 'waiting'::text);

CREATE INDEX idx_tasks_status_finished_at ON private.tasks USING btree (status, finished_at)
  WHERE (finished_at IS NOT NULL);

CREATE POLICY "Nobody but the functions of tasks may look" ON "private"."task_kinds"
  FOR ALL
  TO PUBLIC
  USING (false);

CREATE POLICY "Nobody but the functions of tasks may look" ON "private"."tasks"
  FOR ALL
  TO PUBLIC
  USING (false);

COMMENT ON COLUMN "private"."task_kinds"."function" IS 'The name of the Edge Function.';

COMMENT ON COLUMN "private"."task_kinds"."kind" IS 'The kind, as in remove_objects.';

COMMENT ON COLUMN "private"."tasks"."attempts" IS 'How often it was claimed; the eighth is the last.';

COMMENT ON COLUMN "private"."tasks"."dedupe_key" IS 'What a second one of the same key is taken for the same by.';

COMMENT ON COLUMN "private"."tasks"."finished_at" IS 'When it was done, or given up.';

COMMENT ON COLUMN "private"."tasks"."kind" IS 'What is to be done; private.task_kinds says by whom.';

COMMENT ON COLUMN "private"."tasks"."last_error" IS 'Why the last attempt failed.';

COMMENT ON COLUMN "private"."tasks"."lease_until" IS 'Until when it is its claimant''s alone.';

COMMENT ON COLUMN "private"."tasks"."payload" IS 'What whoever does it needs to know, as a JSON object of at most 64 KiB; emptied when it is done.';

COMMENT ON COLUMN "private"."tasks"."run_at" IS 'When it is due, at the earliest.';

COMMENT ON COLUMN "private"."tasks"."status" IS 'waiting, running, done, or failed for good.';

COMMENT ON COLUMN "private"."tasks"."subject" IS 'What it is about, for operators, as in user:… or trip:….';

COMMENT ON COLUMN "private"."tasks"."token" IS 'What its claimant proves itself by: of the last claim, and higher than those of all before.';

COMMENT ON FUNCTION "private"."backoff"(integer) IS 'How long a task waits after so many attempts.';

COMMENT ON FUNCTION "private"."check_lease"(integer) IS 'Refuses leases that are too short or too long.';

COMMENT ON FUNCTION "private"."claim"(text[], integer, interval) IS 'Claims tasks of these kinds that are due, for as long as the lease lasts.';

COMMENT ON FUNCTION "private"."enqueue"(text, text, jsonb, timestamp with time zone, text) IS 'Makes a task and returns its id; that of the one that is there already where they share a dedupe_key.';

COMMENT ON FUNCTION "private"."fail"(uuid, bigint, text, interval, boolean) IS 'An attempt at a task failed, says whoever holds it; returns whether it is tried again: waiting, or failed.';

COMMENT ON FUNCTION "private"."finish"(uuid, bigint) IS 'A task is done, says whoever holds it.';

COMMENT ON FUNCTION "private"."prune_tasks"() IS 'Throws away tasks that were done a week ago or failed ninety days ago; returns how many.';

COMMENT ON FUNCTION "private"."refuse_task"(uuid) IS 'Tells whoever does not hold a task so.';

COMMENT ON FUNCTION "private"."release_tasks"(text[]) IS 'Takes tasks back whose lease has run out; those that have used up their attempts have failed.';

COMMENT ON FUNCTION "private"."renew"(uuid, bigint, interval) IS 'A task takes longer, says whoever holds it; returns until when it is theirs now.';

COMMENT ON FUNCTION "public"."claim_tasks"(text[], integer, integer) IS 'Claims tasks of these kinds that are due; each is the caller''s for so many seconds, and has a token to finish, renew or fail it by.';

COMMENT ON FUNCTION "public"."fail_task"(uuid, bigint, text, integer, boolean) IS 'An attempt at a task failed, says whoever holds it; it is tried again, no earlier than after so many seconds, unless this is final. Returns what it is now: waiting or failed. Refused with CONFLICT, LEASE_LOST, to anybody else.';

COMMENT ON FUNCTION "public"."finish_task"(uuid, bigint) IS 'A task is done, says whoever holds it. Refused with CONFLICT, LEASE_LOST, to anybody else.';

COMMENT ON FUNCTION "public"."renew_task"(uuid, bigint, integer) IS 'A task takes longer, says whoever holds it: it is theirs for so many seconds from now, and until when is returned. Refused with CONFLICT, LEASE_LOST, to anybody else.';

COMMENT ON SEQUENCE "private"."task_tokens" IS 'The tokens of claimed tasks.';

COMMENT ON TABLE "private"."task_kinds" IS 'The Edge Function that does the tasks of a kind.';

COMMENT ON TABLE "private"."tasks" IS 'What must happen once, though whoever does it may die over it.';

REVOKE ALL ON FUNCTION "private"."backoff"(integer) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."check_lease"(integer) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."claim"(text[], integer, interval) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."enqueue"(text, text, jsonb, timestamp WITH time zone, text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."fail"(uuid, bigint, text, interval, boolean) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."finish"(uuid, bigint) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."prune_tasks"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."refuse_task"(uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."release_tasks"(text[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."renew"(uuid, bigint, interval) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "public"."claim_tasks"(text[], integer, integer) TO "service_role";

GRANT EXECUTE ON FUNCTION "public"."fail_task"(uuid, bigint, text, integer, boolean) TO "service_role";

GRANT EXECUTE ON FUNCTION "public"."finish_task"(uuid, bigint) TO "service_role";

GRANT EXECUTE ON FUNCTION "public"."renew_task"(uuid, bigint, integer) TO "service_role";
