-- View decided, version 1. A row is the decision that stands about one recording or frame: about its use (accept, reject,
-- delete) or its split (request_split).
--
-- The newest decision of an item stands, but for those that were taken without sight of another that had come to stand
-- meanwhile and says otherwise (contested): they stay in the table until a later one settles them. A decision that was
-- withdrawn leaves no row. A frame without a decision of its own follows its recording's.
--
-- Columns: those of decisions, and disputes: how many contested decisions have come since this one.
WITH newest AS (
  SELECT * FROM decisions
  WHERE NOT contested
  QUALIFY row_number() OVER (
    PARTITION BY recording_id, stream, index, about ORDER BY stored_ns DESC, decision_id DESC
  ) = 1
)
SELECT
  newest.*,
  (
    SELECT count(*) FROM decisions AS other
    WHERE other.contested AND other.stored_ns > newest.stored_ns
      AND other.recording_id = newest.recording_id AND other.about = newest.about
      AND other.stream IS NOT DISTINCT FROM newest.stream AND other.index IS NOT DISTINCT FROM newest.index
  ) AS disputes
FROM newest
WHERE what <> 'withdraw'
