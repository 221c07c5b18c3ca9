// What a run may read, each time under the policies of whoever asked for it, by their own token: the run's trip alone, and
// places that they see. Nothing is read by an id of the model's: items are told to it by refs.

import type { SupabaseClient } from "npm:@supabase/supabase-js@2.119.0";
import { ApiError, databaseError } from "../errors.ts";

/** More are not read, so that what goes to a model has an end. */
export const MOST_ITEMS = 300;
const MOST_VOTES = 300;
const MOST_PLACES = 20;
const MOST_MEMORIES = 20;
const LONGEST_TEXT = 600;
const SHORTEST_TEXT = 100;
// Of texts in all, so that many items do not cost a fortune.
const MOST_CHARACTERS = 60_000;
const TRIP = "title,description,destination,status,start_date,end_date,budget,currency";
const PLACE = "name,category,address,city,country_code,latitude,longitude";
const ITEMS = "id,title,notes,kind,day_number,starts_at,ends_at,cost," +
  `place:places(${PLACE}),votes:vote_summary`;

export class Reader {
  private readonly refs = new Map<string, string>();
  private span: number | null = null;

  /** `database` is a client with the token of whoever asked. */
  constructor(private readonly database: SupabaseClient, readonly trip: string | null) {}

  /** How many days the trip has, once it was read; null where that is not said. */
  get days(): number | null {
    return this.span;
  }

  async readTrip(): Promise<Record<string, unknown>> {
    const trip = this.needTrip();
    const { data, error } = await this.database.from("trips").select(TRIP).eq("id", trip).maybeSingle();
    if (error) throw databaseError(error);
    if (!data) throw gone();
    const { start_date, end_date } = data;
    if (start_date && end_date) this.span = (Date.parse(end_date) - Date.parse(start_date)) / 86_400_000 + 1;
    return { ...shown(data), days: this.span };
  }

  /** The items of the trip, or of one of its days, in their order: their ids, and as a model sees them. */
  async readItems(day: number | null): Promise<{ ids: string[]; shown: unknown[] }> {
    const trip = this.needTrip();
    let asked = this.database.from("trip_items").select(ITEMS).eq("trip_id", trip);
    if (day !== null) asked = asked.eq("day_number", day);
    const { data, error } = await asked.order("day_number").order("order_index").order("id").limit(MOST_ITEMS);
    if (error) throw databaseError(error);
    const items = data as unknown as ({ id: string } & Record<string, unknown>)[];
    const longest = Math.max(SHORTEST_TEXT, Math.min(LONGEST_TEXT, MOST_CHARACTERS / items.length));
    return {
      ids: items.map(({ id }) => id),
      shown: items.map(({ id, ...rest }) => ({ ref: this.refOf(id), ...shown(rest, longest) })),
    };
  }

  /** What people on the trip think of its items. */
  async readVotes(): Promise<unknown[]> {
    const { data, error } = await this.database.from("votes").select("trip_item_id,value,comment")
      .eq("trip_id", this.needTrip()).order("trip_item_id").order("id").limit(MOST_VOTES);
    if (error) throw databaseError(error);
    return data.map(({ trip_item_id, ...vote }) => ({ ref: this.refOf(trip_item_id), ...shown(vote) }));
  }

  /** Places that they see, by words. */
  async searchPlaces(words: string): Promise<unknown[]> {
    const { data, error } = await this.database.rpc("search_places", { words }).select(PLACE).order("name")
      .limit(MOST_PLACES);
    if (error) throw databaseError(error);
    return (data as unknown as Record<string, unknown>[]).map((row) => shown(row));
  }

  /** Throws ApiError where there is none, or none that they may see. By POST, which an account that is gone may not. */
  async readPlace(id: string): Promise<Record<string, unknown>> {
    const { data, error } = await this.database.rpc("places_by_ids", { ids: [id] }).select(`${PLACE},website,notes`)
      .maybeSingle<Record<string, unknown>>();
    if (error) throw databaseError(error);
    if (!data) throw new ApiError("NOT_FOUND", "There is no such place, or you may not see it.", { field: "place_id" });
    return shown(data);
  }

  /** What they had it remember, of this trip and of none, the newest first. */
  async readMemories(): Promise<{ kind: string; content: string }[]> {
    const ofTrip = this.trip === null ? "trip_id.is.null" : `trip_id.is.null,trip_id.eq.${this.trip}`;
    const { data, error } = await this.database.from("ai_memories").select("kind,content")
      .or(ofTrip).or(`expires_at.is.null,expires_at.gt.${new Date().toISOString()}`)
      .order("created_at", { ascending: false }).limit(MOST_MEMORIES);
    if (error) throw databaseError(error);
    return data;
  }

  /** What an item is called here, in the order in which they were first seen. */
  refOf(id: string): string {
    let ref = this.refs.get(id);
    if (ref === undefined) this.refs.set(id, ref = `i${this.refs.size + 1}`);
    return ref;
  }

  private needTrip(): string {
    if (this.trip === null) throw new ApiError("NOT_FOUND", "This conversation is about no trip.");
    return this.trip;
  }
}

function gone(): ApiError {
  return new ApiError("NOT_FOUND", "There is no such trip, or you may not see it.");
}

/** Without what says nothing, and with long texts cut: each costs tokens. */
function shown(row: Record<string, unknown>, longest = LONGEST_TEXT): Record<string, unknown> {
  return shortened(row, longest) as Record<string, unknown>;
}

function shortened(value: unknown, longest: number): unknown {
  if (typeof value === "string") return value.length > longest ? `${value.slice(0, longest)}…` : value;
  if (Array.isArray(value)) return value.map((each) => shortened(each, longest));
  if (typeof value !== "object" || value === null) return value;
  const kept = Object.entries(value).filter(([, each]) => each !== null && each !== "");
  return Object.fromEntries(kept.map(([name, each]) => [name, shortened(each, longest)]));
}
