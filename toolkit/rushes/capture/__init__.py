"""Live sensors: one file a kind of sensor."""
