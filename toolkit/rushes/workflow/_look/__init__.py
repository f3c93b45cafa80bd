"""The steps of a look: survey each recording, find what is equal, lay out the page."""
