SET local check_function_bodies = off;

CREATE OR REPLACE FUNCTION private.prune_invitations (
  most integer DEFAULT 5000
)
  RETURNS integer
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
declare
    kept regclass;
    gone integer;
    pruned integer := 0;
begin
    foreach kept in array array['public.invitations', 'public.membership_invitations']::regclass[] loop
        execute format(
            $sql$
            delete from %1$s where id in (
                select id from %1$s
                where expires_at < now() - interval '90 days'
                    or status <> 'pending' and updated_at < now() - interval '90 days'
                limit $1 for update skip locked
            )
            $sql$,
            kept
        ) using most;
        get diagnostics gone = row_count;
        pruned := pruned + gone;
    end loop;
    -- Those of whoever invites again go then.
    delete from private.announced_invitations where id in (
        select id from private.announced_invitations
        where announced_at < now() - interval '1 hour' limit most for update skip locked
    );
    return pruned;
end
$function$;

COMMENT ON FUNCTION "private"."prune_invitations"(integer) IS 'Removes invitations that were closed, or whose time was over, 90 days ago, and counts of those sent more than an hour ago: of each so many at most. Returns how many invitations.';

REVOKE ALL ON FUNCTION "private"."prune_invitations"(integer) FROM PUBLIC;


-- From program/004_common.sql

-- What all systems share: the jobs that run without anybody asking, in GMT. Of other jobs nothing is said.
-- rows of cron.job by jobname: schedule, command where jobname like 'tripgate-%'

-- Wakes whoever does tasks that are due. A minute late is no harm: who makes a task may ring as well.
select cron.schedule('tripgate-ring-tasks', '* * * * *', 'select private.ring_tasks()');
-- Throws away what nobody looks for any more, when few people are about.
select cron.schedule('tripgate-prune-tasks', '17 3 * * *', 'select private.prune_tasks()');
select cron.schedule('tripgate-prune-notifications', '27 3 * * *', 'select private.prune_notifications()');
-- Some thousands at once, several times a night: one that had to remove very many would hold them for long.
select cron.schedule('tripgate-prune-invitations', '*/10 4 * * *', 'select private.prune_invitations()');
-- How jobs went, once a minute of one, is looked at within a week or never.
select cron.schedule(
    'tripgate-prune-runs', '37 3 * * *', 'delete from cron.job_run_details where start_time < now() - interval ''7 days'''
);
