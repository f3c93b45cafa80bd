"""What people changed in the App and no table has yet: found, kept over reloads, and let go once it is written.

Beside the samples of a dataset lie three collections. *Seen* holds every document as it was loaded; what differs
from it now is an edit, so that our own loads are none, and a document without one is left alone. *Waiting* holds
both versions of edited samples while a recording is loaded anew, from before the first document is touched until
the edits are back in place: who is killed in between finds them there. *Hands* says whose session an edit was
first found in.

Only pymongo is needed here, which starts at once.
"""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import blake2b
from itertools import islice
from typing import Any, TypeAlias

import bson
import pymongo
from bson import CodecOptions, ObjectId
from bson.raw_bson import RawBSONDocument

from rushes.browse.environment import DATABASE
from rushes.browse.pieces import Document, Piece, pieces, put

NOTES = "rushes_loaded"
"""Collection: the digest of each recording that is in the database; ``load`` writes it."""
STANDING = "rushes_standing"
"""Collection: what is loaded whole, by the dataset's name; see :mod:`rushes.browse.standing`."""
SESSIONS = "rushes_sessions"
"""Collection: whose session it is, or was last, by the dataset's name."""
_INFO = "rushes"  # key in the info of datasets that we have loaded
BATCH = 2000
_AS_STORED = CodecOptions(document_class=RawBSONDocument)
Database: TypeAlias = Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Edited:
    """A sample that a person has changed.

    Args:
        sample: Its id in the App.
        recording_id, stream, index: What it is in the dataset.
        size: Width and height of the picture as loaded; None where unknown.
        seen: Its document as it was loaded.
        pieces: What is changed.
        authors: Whose session each piece was found in, by its key; nothing of one that no session has signed.
        at_ns: When it was changed last, as the App says.
        waiting: Whether the sample is in the view no more; the edit is kept all the same.
    """

    sample: Any
    recording_id: str
    stream: str
    index: int
    size: tuple[int, int] | None
    seen: Mapping[str, Any]
    pieces: Sequence[Piece]
    authors: Mapping[str, str]
    at_ns: int
    waiting: bool = False


class Edits:
    """The edits of one dataset of the App.

    Args:
        database: Of the App, by pymongo.
        name: Of the dataset in the App.
    """

    def __init__(self, database: Database, name: str) -> None:
        self._database, self.name = database, name
        key = blake2b(name.encode(), digest_size=8).hexdigest()
        self._seen = database[f"rushes_seen_{key}"]
        self._waiting = database[f"rushes_waiting_{key}"]
        self._hands = database[f"rushes_hands_{key}"]

    @property
    def _about(self) -> Mapping[str, Any]:
        found = self._database["datasets"].find_one({"name": self.name}, {"sample_collection_name": 1, "info": 1})
        return found or {}

    @property
    def _samples(self) -> Any:
        name = self._about.get("sample_collection_name")
        return self._database[name] if name else None

    def begin(self, author: str) -> None:
        """Sign what is there for who was here last, and say who is here from now on."""
        before = self._database[SESSIONS].find_one({"_id": self.name})
        if before is None or not before.get("signed"):  # it was not closed as it should be
            self.sign()
        here = {"_id": self.name, "author": author, "signed": False}
        self._database[SESSIONS].replace_one({"_id": self.name}, here, upsert=True)

    def end(self) -> None:
        """Say that the session is over and all its edits are signed, so that the next one need not look."""
        self._database[SESSIONS].update_one({"_id": self.name}, {"$set": {"signed": True}})

    def sign(self) -> list[Edited]:
        """Note whose session it is with every edit that nobody has signed; gives all edits."""
        session = self._database[SESSIONS].find_one({"_id": self.name})
        found = list(self.edited())
        if session is None:
            return found
        found = [signed_as(edited, session["author"]) for edited in found]
        for edited in found:
            signed = [[piece.key, piece.digest, edited.authors[piece.key]] for piece in edited.pieces]
            self._hands.replace_one({"_id": edited.sample}, {"_id": edited.sample, "by": signed}, upsert=True)
        return found

    def set_aside(self, recordings: Sequence[str] | None = None) -> None:
        """Keep the edits of recordings, all when None, before their samples are taken out of the database.

        From then on these samples have no *seen* any more: whatever happens to them is ours.
        """
        which = {} if recordings is None else {"recording_id": {"$in": list(recordings)}}
        samples = self._samples
        if samples is not None:
            for seen, now in self._both(samples, which):
                if pieces(seen, now):
                    row = {"_id": seen["_id"], "recording_id": seen.get("recording_id"), "seen": seen, "now": now}
                    # What waits since an interrupted load is older than what is seen there now.
                    self._waiting.replace_one({"_id": seen["_id"]}, row, upsert=True)
        self._seen.delete_many(which)

    def remember(self, recordings: Sequence[str]) -> None:
        """Take the documents of recordings as what a person sees from now on, inside the database."""
        samples = self._samples
        if samples is None or not recordings:
            return
        pipeline: list[dict[str, Any]] = [{"$match": {"recording_id": {"$in": list(recordings)}}}]
        if self._seen.estimated_document_count() == 0:
            samples.aggregate([*pipeline, {"$out": self._seen.name}])  # faster than merging
        else:
            samples.aggregate([*pipeline, {"$merge": {"into": self._seen.name}}])

    def put_back(self) -> int:
        """Give edits that wait back to their samples, where these are there again; gives how many still wait.

        What a person edited is as they left it, and is held against what they saw; all else is as it was loaded.
        """
        samples = self._samples
        for row in self._waiting.find():
            name = {"_id": row["_id"]}
            document, base = samples.find_one(name), self._seen.find_one(name)
            if document is None and base is None:
                continue  # not in this view; it waits
            if row["now"] is None:
                self._seen.replace_one(name, row["seen"], upsert=True)
                samples.delete_one(name)
            elif document is None:
                continue
            else:
                base = base or dict(document)
                for piece in pieces(row["seen"], row["now"]):
                    put(document, piece, piece.after)
                    put(base, piece, piece.before)
                document["last_modified_at"] = row["now"].get("last_modified_at", document.get("last_modified_at"))
                self._seen.replace_one(name, base, upsert=True)
                samples.replace_one(name, document)
            self._waiting.delete_one(name)
        return int(self._waiting.estimated_document_count())

    def edited(self) -> Iterator[Edited]:
        """Give every sample that a person has changed, those that wait last."""
        samples = self._samples
        if samples is not None:
            for seen, now in self._both(samples, {}):
                found = pieces(seen, now)
                if found:
                    yield self._edited(seen, now, found, waiting=False)
        for row in self._waiting.find():
            found = pieces(row["seen"], row["now"])
            if found:
                yield self._edited(row["seen"], row["now"], found, waiting=True)

    def settle(self, done: Iterable[tuple[Edited, Sequence[Piece]]]) -> None:
        """Take pieces as seen, once they are in the dataset; the next load brings the recordings up to date."""
        touched = set()
        for edited, taken in done:
            name = {"_id": edited.sample}
            touched.add(edited.recording_id)
            if edited.waiting:
                self._settle_waiting(name, taken)
                continue
            base = self._seen.find_one(name)
            if base is None:
                continue
            if any(piece.what == "deleted" for piece in taken):
                self._seen.delete_one(name)
                continue
            for piece in taken:
                put(base, piece, piece.after)
            self._seen.replace_one(name, base)
        self.forget(touched)

    def forget(self, recordings: Iterable[str]) -> None:
        """Have the next load bring these recordings up to date, whatever it finds."""
        self._database[STANDING].delete_one({"_id": self.name})
        about = self._about
        which = {"dataset": about.get("_id"), "recording_id": {"$in": sorted(recordings)}}
        self._database[NOTES].delete_many(which)

    def show(self, frames: Iterable[tuple[str, str, int]], changes: Sequence[Piece]) -> None:
        """Change what frames show, and what is seen of them, alike: what the dataset says already is no edit."""
        for recording_id, stream, index in frames:
            which = {"recording_id": recording_id, "stream": stream, "index": index}
            for collection in (self._samples, self._seen):
                for document in list(collection.find(which)):
                    for piece in changes:
                        put(document, piece, piece.after)
                    if collection is not self._seen:
                        document["last_modified_at"] = datetime.now(UTC).replace(tzinfo=None)
                    collection.replace_one({"_id": document["_id"]}, document)

    def _settle_waiting(self, name: Mapping[str, Any], taken: Sequence[Piece]) -> None:
        row = self._waiting.find_one(name)
        if row is None:
            return
        if row["now"] is not None:
            for piece in taken:
                put(row["seen"], piece, piece.after)
            if pieces(row["seen"], row["now"]):
                self._waiting.replace_one(name, row)
                return
        self._waiting.delete_one(name)

    def _both(
        self, samples: Any, which: Mapping[str, Any]
    ) -> Iterator[tuple[dict[str, Any], dict[str, Any] | None]]:
        """Give each document that was loaded, and as it is now; None where it is gone.

        Of a dataset that somebody took out of the App as a whole, and that was made anew, nothing was deleted.
        """
        # Documents are compared as they lie in the database; only those that differ are read.
        mine = {**which, "_dataset_id": self._about["_id"]}
        seen = self._seen.with_options(codec_options=_AS_STORED).find(mine, batch_size=BATCH)
        stored = samples.with_options(codec_options=_AS_STORED)
        while batch := {_id_of(each): each for each in islice(seen, BATCH)}:
            there = {_id_of(each): each for each in stored.find({"_id": {"$in": list(batch)}})}
            for name, each in batch.items():
                now = there.get(name)
                if now is None or now.raw != each.raw:
                    yield bson.decode(each.raw), None if now is None else bson.decode(now.raw)

    def _edited(
        self, seen: Mapping[str, Any], now: Mapping[str, Any] | None, found: Sequence[Piece], *, waiting: bool
    ) -> Edited:
        hands = self._hands.find_one({"_id": seen["_id"]}) or {"by": []}
        signed = {(key, digest): author for key, digest, author in hands["by"]}
        metadata = seen.get("metadata") or {}
        width, height = metadata.get("width"), metadata.get("height")
        at = (now or {}).get("last_modified_at")
        return Edited(
            sample=seen["_id"],
            recording_id=seen["recording_id"],
            stream=seen["stream"],
            index=seen["index"],
            size=(width, height) if width and height else None,
            seen=seen,
            pieces=found,
            authors={
                piece.key: signed[piece.key, piece.digest]
                for piece in found
                if (piece.key, piece.digest) in signed
            },
            at_ns=_ns(at) if at and at != seen.get("last_modified_at") else time.time_ns(),
            waiting=waiting,
        )


@contextmanager
def connected(uri: str) -> Iterator[Database]:
    """Give the App's database at an address, as long as the block runs."""
    client: pymongo.MongoClient[Document] = pymongo.MongoClient(uri)
    try:
        yield client[DATABASE]
    finally:
        client.close()


def datasets(database: Database) -> list[str]:
    """Name the datasets of the App that we have loaded."""
    found = database["datasets"].find({f"info.{_INFO}": {"$exists": True}}, {"name": 1})
    return sorted(each["name"] for each in found)


def attribute_names(database: Database, name: str) -> dict[str, str]:
    """Give what attributes are called, by the fields of labels that hold them, where they are called otherwise."""
    found = database["datasets"].find_one({"name": name}, {f"info.{_INFO}_attributes": 1}) or {}
    names: dict[str, str] = found.get("info", {}).get(f"{_INFO}_attributes", {})
    return names


def signed_as(edited: Edited, author: str) -> Edited:
    """Give the edited sample with an author for what nobody has signed."""
    return replace(edited, authors={**{piece.key: author for piece in edited.pieces}, **edited.authors})


def _id_of(document: RawBSONDocument) -> ObjectId:
    """Give the id, which MongoDB stores first, without reading the rest."""
    raw = document.raw
    return ObjectId(raw[9:21]) if raw[4:9] == b"\x07_id\x00" else document["_id"]


def _ns(at: datetime) -> int:
    whole = at.replace(tzinfo=UTC)
    return int(whole.timestamp()) * 1_000_000_000 + whole.microsecond * 1000
