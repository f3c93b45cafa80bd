"""Look whether everything is here, and say what puts it right."""

from rushes.cli._options import verb
from rushes.cli._output import Answer, table
from rushes.workflow.doctor import examine


@verb("doctor", examples="rushes doctor")
def command() -> Answer:
    """Examine Python, packages, OpenCV, mongod, browser, Label Studio and disk; give a fix for each fault."""
    seen = list(examine())
    rows = [(item.name, item.state, item.found, item.fix) for item in seen]
    missing = [item.name for item in seen if item.state == "missing"]
    text = table(rows, head=("what", "state", "found", "fix"))
    text += f"\n\nmissing: {', '.join(missing)}" if missing else "\n\nnothing is missing"
    return Answer(
        result={"items": [{"name": i.name, "state": i.state, "found": i.found, "fix": i.fix} for i in seen]},
        text=text,
        exit_code=1 if missing else 0,
    )
