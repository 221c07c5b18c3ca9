DROP INDEX "public"."idx_places_words";
