COMMENT ON CONSTRAINT "collaborators_role_check" ON "public"."collaborators" IS 'A collaborator is a viewer or an editor.';

COMMENT ON CONSTRAINT "collection_places_notes_check" ON "public"."collection_places" IS 'Notes are at most 5,000 characters long.';

COMMENT ON CONSTRAINT "collection_places_order_index_check" ON "public"."collection_places" IS 'Positions are counted from 0.';

COMMENT ON CONSTRAINT "collections_description_check" ON "public"."collections" IS 'A collection''s description is at most 5,000 characters long.';

COMMENT ON CONSTRAINT "collections_name_check" ON "public"."collections" IS 'A collection''s name is 1 to 200 characters long, and not all of them are blank.';

COMMENT ON CONSTRAINT "invitations_accepted_at_check" ON "public"."invitations" IS 'An invitation says when it was accepted once it was, and not before.';

COMMENT ON CONSTRAINT "invitations_email_check" ON "public"."invitations" IS 'An invitation goes to an e-mail address of at most 254 characters, in lower case.';

COMMENT ON CONSTRAINT "invitations_role_check" ON "public"."invitations" IS 'Somebody is invited as a viewer or an editor.';

COMMENT ON CONSTRAINT "invitations_status_check" ON "public"."invitations" IS 'There is no such status of invitations.';

COMMENT ON CONSTRAINT "invitations_token_hash_check" ON "public"."invitations" IS 'The hash of a secret is 64 hexadecimal digits.';

COMMENT ON CONSTRAINT "places_address_check" ON "public"."places" IS 'An address is at most 500 characters long.';

COMMENT ON CONSTRAINT "places_category_check" ON "public"."places" IS 'There is no such category of places.';

COMMENT ON CONSTRAINT "places_city_check" ON "public"."places" IS 'A city is at most 200 characters long.';

COMMENT ON CONSTRAINT "places_country_code_check" ON "public"."places" IS 'A country is two capital letters, its ISO 3166-1 code, such as PT.';

COMMENT ON CONSTRAINT "places_latitude_check" ON "public"."places" IS 'A latitude lies between -90 and 90 degrees.';

COMMENT ON CONSTRAINT "places_longitude_check" ON "public"."places" IS 'A longitude lies between -180 and 180 degrees, and is given together with a latitude.';

COMMENT ON CONSTRAINT "places_name_check" ON "public"."places" IS 'A place''s name is 1 to 200 characters long, and not all of them are blank.';

COMMENT ON CONSTRAINT "places_notes_check" ON "public"."places" IS 'Notes are at most 5,000 characters long.';

COMMENT ON CONSTRAINT "places_website_check" ON "public"."places" IS 'A web address begins with http:// or https://, has no blanks, and is at most 2,048 characters long.';

COMMENT ON CONSTRAINT "profiles_avatar_path_check" ON "public"."profiles" IS 'The path of a picture is 1 to 1,024 characters long.';

COMMENT ON CONSTRAINT "profiles_display_name_check" ON "public"."profiles" IS 'A display name is 1 to 80 characters long, and not all of them are blank.';

COMMENT ON CONSTRAINT "saved_places_category_check" ON "public"."saved_places" IS 'There is no such category of places.';

COMMENT ON CONSTRAINT "saved_places_name_check" ON "public"."saved_places" IS 'A saved place''s name is 1 to 200 characters long, and not all of them are blank.';

COMMENT ON CONSTRAINT "saved_places_notes_check" ON "public"."saved_places" IS 'Notes are at most 5,000 characters long.';

COMMENT ON CONSTRAINT "tags_colour_check" ON "public"."tags" IS 'A colour is written as #rrggbb.';

COMMENT ON CONSTRAINT "tags_name_check" ON "public"."tags" IS 'A tag''s name is 1 to 50 characters long, and not all of them are blank.';

COMMENT ON CONSTRAINT "trip_items_cost_check" ON "public"."trip_items" IS 'A cost is zero or more.';

COMMENT ON CONSTRAINT "trip_items_day_number_check" ON "public"."trip_items" IS 'Days are counted from 1.';

COMMENT ON CONSTRAINT "trip_items_details_check" ON "public"."trip_items" IS 'Details are a JSON object of at most 8 KiB.';

COMMENT ON CONSTRAINT "trip_items_ends_at_check" ON "public"."trip_items" IS 'An item ends by the year 9999, and not before it starts.';

COMMENT ON CONSTRAINT "trip_items_kind_check" ON "public"."trip_items" IS 'There is no such kind of item.';

COMMENT ON CONSTRAINT "trip_items_notes_check" ON "public"."trip_items" IS 'Notes are at most 5,000 characters long.';

COMMENT ON CONSTRAINT "trip_items_order_index_check" ON "public"."trip_items" IS 'Positions are counted from 0.';

COMMENT ON CONSTRAINT "trip_items_starts_at_check" ON "public"."trip_items" IS 'An item starts between the years 1 and 9999.';

COMMENT ON CONSTRAINT "trip_items_title_check" ON "public"."trip_items" IS 'An item''s title is 1 to 200 characters long, and not all of them are blank.';

COMMENT ON CONSTRAINT "trips_budget_check" ON "public"."trips" IS 'A budget is zero or more.';

COMMENT ON CONSTRAINT "trips_currency_check" ON "public"."trips" IS 'A currency is three capital letters, its ISO 4217 code, such as EUR.';

COMMENT ON CONSTRAINT "trips_description_check" ON "public"."trips" IS 'A trip''s description is at most 5,000 characters long.';

COMMENT ON CONSTRAINT "trips_destination_check" ON "public"."trips" IS 'A destination is at most 200 characters long.';

COMMENT ON CONSTRAINT "trips_end_date_check" ON "public"."trips" IS 'A trip ends by the year 9999, and not before it starts.';

COMMENT ON CONSTRAINT "trips_labels_check" ON "public"."trips" IS 'A trip has at most 20 labels, of at most 1,000 characters together, and none of them is null.';

COMMENT ON CONSTRAINT "trips_start_date_check" ON "public"."trips" IS 'A trip starts between the years 1 and 9999.';

COMMENT ON CONSTRAINT "trips_status_check" ON "public"."trips" IS 'There is no such status of trips.';

COMMENT ON CONSTRAINT "trips_title_check" ON "public"."trips" IS 'A trip''s title is 1 to 200 characters long, and not all of them are blank.';

COMMENT ON CONSTRAINT "user_preferences_distance_unit_check" ON "public"."user_preferences" IS 'The unit of distances is km or mi.';

COMMENT ON CONSTRAINT "user_preferences_home_currency_check" ON "public"."user_preferences" IS 'A currency is three capital letters, its ISO 4217 code, such as EUR.';

COMMENT ON CONSTRAINT "user_preferences_locale_check" ON "public"."user_preferences" IS 'A locale is a BCP 47 tag of at most 35 characters, such as en or pt-BR.';

COMMENT ON CONSTRAINT "user_preferences_timezone_check" ON "public"."user_preferences" IS 'A time zone is given by its IANA name, such as Europe/Lisbon.';

COMMENT ON CONSTRAINT "votes_comment_check" ON "public"."votes" IS 'A comment is at most 1,000 characters long.';

COMMENT ON CONSTRAINT "votes_value_check" ON "public"."votes" IS 'A vote is 1, 0 or -1.';
