"""Declares what a dataset of the App holds: fields of samples and labels, skeletons, and the sidebar.

FiftyOne saves and reloads the whole dataset for every field that is added by its public way, a tenth of a second
each; so all are added at once, as long as it is the release for which a test holds both ways equal. Import it
late.
"""

from collections.abc import Iterable
from typing import Any

import fiftyone as fo
from fiftyone.core.odm import utils as odm

from rushes.browse.documents import FIELDS, Field
from rushes.browse.elements import Elements, Kind, LabelField

RAW_RELEASE = "1.22.1"
"""The FiftyOne whose documents are written directly, here and in ``load``."""

_KINDS: dict[Kind, dict[str, Any]] = {
    "text": {"ftype": fo.StringField},
    "integer": {"ftype": fo.IntField},
    "number": {"ftype": fo.FloatField},
    "yes_no": {"ftype": fo.BooleanField},
    "texts": {"ftype": fo.ListField, "subfield": fo.StringField},
    "integers": {"ftype": fo.ListField, "subfield": fo.IntField},
}


def raw() -> bool:
    """Say whether this is the FiftyOne whose documents are known."""
    return bool(fo.__version__ == RAW_RELEASE)


def samples(dataset: Any, fields: Iterable[Field]) -> None:
    """Declare fields of samples, and lay out the sidebar."""
    _add(dataset, {field.name: {**_KINDS[field.kind], "description": field.meaning} for field in fields})
    dataset.app_config.sidebar_groups = _sidebar(dataset, ())


def labels(dataset: Any, elements: Elements) -> None:
    """Declare the fields of labels that are not declared yet, and what their elements bear."""
    _add(
        dataset,
        {
            field.name: {
                "ftype": fo.EmbeddedDocumentField,
                "embedded_doc_type": getattr(fo, field.container),
                "description": _meaning(field),
            }
            for field in elements.fields
            if not dataset.has_field(field.name)
        },
    )
    _add(
        dataset,
        {
            path: _KINDS[kind]
            for field in elements.fields
            for name, kind in field.attributes.items()
            if not dataset.has_field(path := f"{field.name}.{field.inner}.{name}")
        },
    )
    dataset.skeletons = {
        **dataset.skeletons,
        **{
            field.name: fo.KeypointSkeleton(
                labels=list(field.skeleton.points), edges=[list(pair) for pair in field.skeleton.edge_positions()]
            )
            for field in elements.fields
            if field.skeleton is not None
        },
    }
    dataset.info["rushes_attributes"] = {**dataset.info.get("rushes_attributes", {}), **elements.attribute_names}
    dataset.app_config.sidebar_groups = _sidebar(dataset, [field.name for field in elements.fields])
    dataset.save()


def _add(dataset: Any, fields: dict[str, dict[str, Any]]) -> None:
    if not fields:
        return
    if not raw():
        for path, what in fields.items():
            dataset.add_sample_field(path, **what)
        return
    made = {path: odm.create_field(path.rpartition(".")[2], **what) for path, what in fields.items()}
    dataset._merge_sample_field_schema(made)


def _meaning(field: LabelField) -> str:
    return "Proposed by a model" if field.name.startswith("predicted_") else "Labels that stand"


def _sidebar(dataset: Any, labels: Iterable[str]) -> list[Any]:
    """Give our sections first; whatever else FiftyOne would show comes at the end, folded."""
    sections: dict[str, list[str]] = {"tags": ["tags", "_label_tags"], "labels": list(labels)}
    for field in FIELDS:
        sections.setdefault(field.section, []).append(field.name)
    other = sections.pop("other")
    ours = {*other, *(path for paths in sections.values() for path in paths)}
    sections |= {"metadata": [], "other": other}
    for group in fo.DatasetAppConfig.default_sidebar_groups(dataset):
        section = "metadata" if group.name == "metadata" else "other"
        sections[section] += [path for path in group.paths if path not in ours]
    folded = {"metadata", "other"}
    return [
        fo.SidebarGroupDocument(name=name, paths=paths, expanded=name not in folded)
        for name, paths in sections.items()
    ]
