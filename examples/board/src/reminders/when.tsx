// When somebody is reminded: at a moment, or so many days before the trip begins, at a time by the clocks of their zone.
import { useState } from "react";
import { graphql } from "../api/generated";
import type { RemindersSubscription, ScheduledJobReason } from "../api/generated/graphql";
import { useLive } from "../api/live";
import type { Problems } from "../api/errors";
import { Field, Select } from "../ui/form";

export const Clocks = graphql(`
  subscription Clocks { myPreferences { timezone } }
`);

export type Reminder = NonNullable<RemindersSubscription["scheduledJobs"]>["nodes"][number];
export type Said = { text: string; days_before?: number; local_time?: string };

const MOMENT = new Intl.DateTimeFormat("en", { dateStyle: "medium", timeStyle: "short", hourCycle: "h23" });
// Days from the first one on; texts, since numbers would come before all others.
const DAYS = { "-0": "On the trip's first day", "-1": "The day before the trip", "-2": "Two days before the trip", "-7": "A week before the trip" };
const OVER: { [reason in ScheduledJobReason]: string } = {
  BY_HAND: "cancelled", TRIP_GONE: "cancelled, as the trip is gone", ITEM_GONE: "cancelled, as it is not planned any more",
  RULE_GONE: "cancelled, as its rule is gone", LEFT_TRIP: "cancelled, as you are on the trip no longer",
  OPTED_OUT: "cancelled, as you want no messages any more", NOT_WANTED: "cancelled, as you want no reminders any more",
  TOO_LATE: "cancelled, as its moment was over", GIVEN_UP: "given up, as it could not be sent",
};

/** In words; relative to what, too. */
export function whenOf({ runAt, status, reason, payload }: Reminder): string {
  if (status !== "SCHEDULED") return reason ? OVER[reason] : "done";
  const days = (payload as Said).days_before;
  const before = days === undefined ? "" : ` (${days === 0 ? "the first day" : days === 1 ? "a day before" : `${days} days before`})`;
  return (runAt ? MOMENT.format(new Date(runAt)) : "once the trip has a first day") + before;
}

/** What the fields of `When` hold, as the mutations take it. What is left out the server names. */
export function momentOf(values: { [field: string]: string }, prefix = "") {
  const [days, at, time] = ["daysBefore", "runAt", "localTime"].map((name) => values[prefix + name]);
  return days ? { daysBefore: Math.abs(Number(days)), localTime: time || null } : { runAt: at ? new Date(at).toISOString() : null };
}

/** For an input of the type datetime-local: tomorrow at nine, where nothing is known. */
function shown(runAt: string | null | undefined): string {
  const moment = new Date(runAt ?? Date.now());
  if (!runAt) moment.setHours(33, 0, 0, 0);
  return new Date(moment.getTime() - moment.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

export function When({ prefix = "", problems, of }: { prefix?: string; problems: Problems; of?: Reminder }) {
  const { days_before: before, local_time: time } = (of?.payload ?? {}) as Partial<Said>;
  const [days, setDays] = useState(before === undefined ? "" : `-${before}`);
  const zone = useLive(Clocks, {}).data?.myPreferences?.timezone;
  const options = { "": "At a moment", ...DAYS, ...(before !== undefined && !(`-${before}` in DAYS) && { [`-${before}`]: `${before} days before the trip` }) };
  return (
    <div className="row">
      <Select label="When" name={`${prefix}daysBefore`} options={options} autoFocus={Boolean(of)} value={days} onChange={({ target }) => setDays(target.value)} />
      {days
        ? <Field key="time" label={`At, in ${zone ?? "…"}`} type="time" name={`${prefix}localTime`} defaultValue={time?.slice(0, 5) ?? "09:00"} problem={problems[`${prefix}localTime`]} />
        : <Field key="moment" label="At" type="datetime-local" name={`${prefix}runAt`} defaultValue={shown(of?.runAt)} problem={problems[`${prefix}runAt`]} />}
    </div>
  );
}
