"""The verbs that a person types, one file a verb: parse, call the workflow, render."""
