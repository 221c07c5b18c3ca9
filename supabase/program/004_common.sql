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
