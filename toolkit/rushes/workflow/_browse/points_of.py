"""The points of the pictures of a dataset, of the model that gave most of them."""

import numpy as np

from rushes.browse.desk import Points
from rushes.workflow.dataset import Dataset

_MODELS = "SELECT model, count(*) AS points FROM embeddings GROUP BY model ORDER BY points DESC, model LIMIT 1"


def points_of(dataset: Dataset) -> Points | None:
    """Read them; None where ``rushes embed`` gave none."""
    _, rows = dataset.store.rows(_MODELS)
    if not rows:
        return None
    model = rows[0][0]
    table = dataset.arrow(
        "embeddings", columns=["recording_id", "stream", "index", "vector"], where={"model": model}
    ).combine_chunks()
    flat = table["vector"].combine_chunks().flatten().to_numpy(zero_copy_only=False)
    return Points(
        model=model,
        recording=table["recording_id"].to_pylist(),
        stream=table["stream"].to_pylist(),
        index=table["index"].to_numpy(),
        vectors=np.asarray(flat, np.float32).reshape(len(table), -1),
    )
