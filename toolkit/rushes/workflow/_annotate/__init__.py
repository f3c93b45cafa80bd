"""Steps of the annotate stage."""
