"""The order of work, one file a stage; the only place where plugins and the store meet."""
