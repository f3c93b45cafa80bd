"""XDF: chunks, headers, samples."""
