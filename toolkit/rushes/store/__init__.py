"""The dataset on disk: Delta tables, media, revisions; nothing else touches the format."""
