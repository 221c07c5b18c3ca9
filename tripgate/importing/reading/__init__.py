"""Files of old data: found by their names, decoded, and read record by record, however long they are."""
