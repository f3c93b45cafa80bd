"""A view of the dataset → the FiftyOne App, behind a guard."""
