"""Which pictures a person wants to see: SQL over frames, streams, recordings, their split and their findings."""

import pyarrow as pa

from rushes.errors import UsageError
from rushes.workflow._browse.places import Ints, Places, codes, integers
from rushes.workflow.dataset import Dataset

_ASKED = """
SELECT frames.recording_id, frames.stream, frames."index" AS frame FROM frames
JOIN streams USING (recording_id, stream) JOIN recordings USING (recording_id)
LEFT JOIN (
  SELECT recording_id, max(part) AS split FROM splits
  WHERE stream IS NULL AND splits.split = '{split}' GROUP BY recording_id
) AS parts USING (recording_id)
JOIN (
  SELECT frames.recording_id, frames.stream, frames."index", count(found.check) AS findings FROM frames
  LEFT JOIN (
    SELECT recording_id, stream, "check", unnest(range("index", "index" + greatest("count", 1))) AS "index"
    FROM findings WHERE "index" IS NOT NULL
  ) AS found USING (recording_id, stream, "index")
  GROUP BY ALL
) AS judged USING (recording_id, stream, "index")
WHERE {where}
"""


def rows_where(dataset: Dataset, places: Places, where: str, *, split: str | None) -> Ints:
    """Give the rows of the view that are asked for, ascending.

    Args:
        dataset: Where they are.
        places: Of the view.
        where: SQL over the columns of frames, streams and recordings, as for ``annotate push``; besides ``split``,
            the part that the recording is in, and ``findings``, how many concern the frame.
        split: Name of the split that is shown.

    Raises:
        UsageError: ``store.query`` for SQL that does not hold, ``browse.none-chosen`` where nothing is left.
    """
    query = _ASKED.format(split=(split or "").replace("'", "''"), where=where)
    found: pa.Table = dataset.sql(query).to_arrow_table()
    _, rows = places.frames(
        codes(found["recording_id"], places.recordings),
        codes(found["stream"], places.streams),
        integers(found, "frame"),
    )
    if not len(rows):
        raise UsageError(
            f"no picture is shown where {where}",
            code="browse.none-chosen",
            hint="rushes query DATASET 'SELECT … FROM frames JOIN streams USING (recording_id, stream)' tries one",
        )
    rows.sort()
    return rows
