"""One labelling config that shows all that an ontology has for a single picture."""

from rushes.annotate.label_studio import template
from rushes.annotate.label_studio.template import Control, Template
from rushes.errors import UsageError
from rushes.vocabulary import Ontology


def whole(ontology: Ontology) -> Template:
    """Join the templates of single pictures into one; controls keep their names.

    Raises:
        UsageError: If the ontology has nothing to show.
    """
    boxes = "hands" if any(spec.skeleton for spec in ontology.classes) else "boxes"
    controls: dict[str, Control] = {}
    former: dict[str, Control] = {}
    body: list[str] = []
    relations: list[str] = []
    refusal: UsageError | None = None
    for name in (boxes, "polygons", "masks", "classes"):
        try:
            made = template.build(name, ontology)
        except UsageError as error:  # nothing of that kind; another may have something
            refusal = error
            continue
        controls.update(made.controls)
        former.update(made.former)
        lines = made.config.splitlines()[1:-1]
        start = next((at for at, line in enumerate(lines) if line.strip() == "<Relations>"), len(lines))
        relations = lines[start:] or relations
        body += [line for line in lines[:start] if not line.strip().startswith("<Image ") or not body]
    if not controls:
        assert refusal is not None
        raise refusal
    config = "\n".join(["<View>", *body, *relations, "</View>"]) + "\n"
    return Template(
        name="whole", unit="frame", config=config, controls=controls, objects=("image",), former=former
    )
