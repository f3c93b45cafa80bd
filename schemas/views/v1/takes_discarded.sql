-- View takes_discarded, version 1. A row is one frame that is left out because the take that it is in was discarded.
-- Somebody who accepts the frame or its recording afterwards takes it in again.
--
-- Columns: recording_id, stream, index, and number of the take; a frame in two takes at once comes with the lower one.
SELECT frames.recording_id, frames.stream, frames.index, min(takes.number) AS number
FROM frames
JOIN takes
  ON takes.recording_id = frames.recording_id
  AND takes.verdict = 'discard'
  AND frames.t_log_ns >= takes.start_ns
  AND (takes.open OR frames.t_log_ns < takes.end_ns)
WHERE NOT EXISTS (
  SELECT 1 FROM decided
  WHERE decided.recording_id = frames.recording_id AND decided.about = 'use' AND decided.what = 'accept'
    AND (
      decided.stream IS NULL OR (decided.stream = frames.stream AND decided.index = frames.index)
    )
)
GROUP BY ALL
