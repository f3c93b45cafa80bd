"""The ontology of a dataset: ``ontology.yaml`` beside its tables."""

from pathlib import Path

from rushes import ontology
from rushes.errors import RecipeError
from rushes.store import Store
from rushes.vocabulary import Ontology

NAME = "ontology.yaml"


def path_in(store: Store) -> Path:
    """Say where the ontology of a dataset is."""
    return store.path / NAME


def of_dataset(store: Store) -> Ontology | None:
    """Read the ontology of a dataset; None where it has none.

    Raises:
        RecipeError: If the file is there and does not say what it must.
    """
    return ontology.load(path_in(store)) if path_in(store).is_file() else None


def needed(store: Store, given: str | None = None) -> Ontology:
    """Read the ontology that is given, by path or name; else that of the dataset.

    Raises:
        RecipeError: ``ontology.absent`` if there is neither.
    """
    found = of_dataset(store) if given is None else ontology.load(given)
    if found is None:
        offered = ", ".join(ontology.named())
        raise RecipeError(
            f"{store.path} has no ontology: what may be labelled?",
            code="ontology.absent",
            hint=f"write {path_in(store)} (rushes schema ontology shows the form), or take one along with "
            f"rushes annotate push or import: --ontology my.yaml, or one of {offered}",
        )
    return found


def keep(store: Store, chosen: Ontology) -> None:
    """Write the ontology of a dataset, in one piece."""
    _write(store, ontology.as_yaml(chosen))


def keep_given(store: Store, given: str | None) -> None:
    """Keep an ontology that was given by path or name as the dataset's, with its comments; None keeps what is."""
    if given is not None:
        _write(store, ontology.find(given).read_text(encoding="utf-8"))


def _write(store: Store, text: str) -> None:
    path = path_in(store)
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return
    scratch = path.with_suffix(".tmp")
    scratch.write_text(text, encoding="utf-8")
    scratch.replace(path)
