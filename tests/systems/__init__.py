"""What belongs to one system stands in `tripgate/systems`, and the engine names none of it."""
