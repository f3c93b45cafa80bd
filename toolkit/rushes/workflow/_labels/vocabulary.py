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


def needed(store: Store) -> Ontology:
    """Read the ontology of a dataset.

    Raises:
        RecipeError: ``ontology.absent`` if it has none.
    """
    found = of_dataset(store)
    if found is None:
        raise RecipeError(
            f"{store.path} has no ontology",
            code="ontology.absent",
            hint=f"write {path_in(store)}, or take one along: --ontology hands, --ontology my.yaml",
        )
    return found


def keep(store: Store, chosen: Ontology) -> None:
    """Write the ontology of a dataset, in one piece."""
    scratch = path_in(store).with_suffix(".tmp")
    scratch.write_text(ontology.as_yaml(chosen), encoding="utf-8")
    scratch.replace(path_in(store))
