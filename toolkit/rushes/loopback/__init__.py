"""Pages that this machine serves to itself: the preview of a recording that goes on, and the slate."""
