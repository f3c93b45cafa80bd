"""The steps of import and export of labels."""
