"""Labels ⇄ the files of other tools; one format a module."""
