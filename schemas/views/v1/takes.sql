-- View takes, version 1. A row is one take of a recording: a stretch of it that somebody kept or discarded while it was
-- recorded. Of what was said of a take the newest stands.
--
-- Columns: recording_id; stream, the one that it was noted in; index, its row in events; number, from 1; start_ns and
-- end_ns, in the recorder's clock, the start included and the end not; verdict, keep or discard; retake_of, the number
-- of the take that it repeats; why; open, whether no end was noted, so that it lasts to that of the recording.
SELECT
  recording_id,
  stream,
  index,
  CAST(label AS BIGINT) AS number,
  t_ns AS start_ns,
  t_end_ns AS end_ns,
  value ->> '$.verdict' AS verdict,
  TRY_CAST(value ->> '$.retake_of' AS BIGINT) AS retake_of,
  coalesce(value ->> '$.why', '') AS why,
  coalesce(TRY_CAST(value ->> '$.open' AS BOOLEAN), false) AS open
FROM events
WHERE kind = 'take' AND TRY_CAST(label AS BIGINT) IS NOT NULL
QUALIFY row_number() OVER (PARTITION BY recording_id, stream, number ORDER BY t_log_ns DESC, index DESC) = 1
