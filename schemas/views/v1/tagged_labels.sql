-- View tagged_labels, version 1. A row is one tag that a label has now, on the frame where it was given.
--
-- Columns: label_id; recording_id, stream and index of the frame; tag; author and given_ns of who gave it last; event_id of
-- the version of the label that was tagged, which need not be that of today. Labels that are gone have no tags.
SELECT label_id, recording_id, stream, index, tag, author, given_ns, event_id
FROM label_tags
WHERE label_id IN (SELECT label_id FROM labels)
QUALIFY row_number() OVER (PARTITION BY label_id, stream, index, tag ORDER BY stored_ns DESC) = 1
  AND action = 'added'
