-- View tagged, version 1. A row is one tag that a frame or recording has now.
--
-- Columns: recording_id, stream and index (null of a whole recording), tag, author and given_ns of who gave it last.
SELECT recording_id, stream, index, tag, author, given_ns
FROM tags
QUALIFY row_number() OVER (PARTITION BY recording_id, stream, index, tag ORDER BY stored_ns DESC) = 1
  AND action = 'added'
