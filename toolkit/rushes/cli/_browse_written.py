"""Says what came back from the App."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rushes.cli._output import Answer
from rushes.cli.decide import contested_line, decision_result
from rushes.quantities import say_count

SHOWN = 20


def written(dataset: Path, done: Any, *, dry_run: bool) -> Answer:
    """Say what ``rushes.workflow.browse_back.WrittenBack`` holds."""
    would = "would be " if dry_run else ""
    labels = {"created": done.created, "changed": done.changed, "deleted": done.deleted}
    parts = [
        *([say_count(done.tags, "tag")] if done.tags else []),
        *([f"{say_count(done.label_tags, 'tag')} of labels"] if done.label_tags else []),
        *([say_count(len(done.decided), "decision")] if done.decided else []),
        *(f"{say_count(len(names), 'label')} {word}" for word, names in labels.items() if names),
    ]
    who = f", by {_and(done.authors)}" if done.authors else ""
    text = f"{', '.join(parts)}: {would}written back{who}" if parts else "nothing new to write back"
    text += f"; {done.same:,} as the dataset says already" if done.same else ""
    warnings = [contested_line(one) for one in done.contested]
    if done.conflicts:
        many = say_count(done.conflicts, "conflict")
        warnings.append(f"{many} with what came meanwhile: rushes annotate conflicts {dataset}")
    warnings += [f"{one.what} on {one.frame} stays in the App: {one.why}" for one in done.refused[:SHOWN]]
    if len(done.refused) > SHOWN:
        warnings.append(f"{len(done.refused) - SHOWN:,} more like that; --json lists all")
    for field, count in sorted(done.elsewhere.items()):
        warnings.append(f"'{field}' of {say_count(count, 'picture')} stays in the App: no table has such a thing")
    return Answer(
        result={
            "tags": done.tags,
            "label_tags": done.label_tags,
            "decisions": [decision_result(one) for one in done.decided],
            "contested": [decision_result(one) for one in done.contested],
            **{f"labels_{word}": list(names) for word, names in labels.items()},
            "conflicts": done.conflicts,
            "same": done.same,
            "refused": [{"frame": one.frame, "what": one.what, "why": one.why} for one in done.refused],
            "elsewhere": dict(done.elsewhere),
            "authors": list(done.authors),
        },
        text=text,
        dataset=str(dataset),
        revision=done.revision,
        warnings=[*warnings, *done.noted],
    )


def _and(words: Sequence[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
