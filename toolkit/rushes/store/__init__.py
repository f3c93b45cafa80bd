"""The dataset on disk: Delta tables, media, revisions; nothing else touches the format."""

from rushes.store.revisions import RevisionInfo
from rushes.store.store import Store
from rushes.store.transaction import Transaction

__all__ = ["RevisionInfo", "Store", "Transaction"]
