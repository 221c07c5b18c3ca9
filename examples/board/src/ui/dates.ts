// Dates as people write them. Those of a trip have no time zone, so all are read as UTC.
const DAY = new Intl.DateTimeFormat("en", { weekday: "short", day: "numeric", month: "short", timeZone: "UTC" });
const RANGE = new Intl.DateTimeFormat("en", { day: "numeric", month: "short", year: "numeric", timeZone: "UTC" });
const MILLISECONDS = 24 * 60 * 60 * 1000;

/** The date of the trip's day, counted from 1; null without one. */
export function dateOfDay(firstDay: string | null, day: number): string | null {
  const date = new Date(Date.parse(firstDay ?? "") + (day - 1) * MILLISECONDS);
  return Number.isNaN(date.valueOf()) ? null : DAY.format(date); // beyond the year 275,760 there are none
}

export function dates(firstDay: string | null, lastDay: string | null): string {
  if (!firstDay) return "no dates yet";
  return RANGE.formatRange(Date.parse(firstDay), Date.parse(lastDay ?? firstDay));
}
