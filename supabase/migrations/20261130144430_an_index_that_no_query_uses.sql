DROP INDEX "public"."idx_saved_places_category";
