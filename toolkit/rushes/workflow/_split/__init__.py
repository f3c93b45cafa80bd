"""Steps of splitting: units and groups, what is balanced, locks, and what is said of the outcome."""
