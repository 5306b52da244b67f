"""How long a running build still takes, by what was measured on this machine."""

from builder.cli.planning.told import known_costs
from builder.cli.project import Project
from builder.errors import BuilderError
from builder.workspace.live.ahead import Ahead


def ahead_of(project: Project, stage: str, until: str | None = None) -> Ahead | None:
    """What a stage that begins, and those after it, are expected to take.

    Args:
        project: The project.
        stage: The stage.
        until: The last one that will run; all where left out.

    Returns:
        None where a stage of them was not measured.
    """
    try:
        costs = {item.stage: item for item in known_costs(project)[0]}
    except BuilderError:  # it is about the time alone; what is wrong is said by the build
        return None
    names = list(costs)
    last = names.index(until) + 1 if until in costs else len(names)
    missing = [costs[name] for name in names[:last] if not costs[name].done]
    if stage not in costs or not all(item.known for item in missing):
        return None
    own = costs[stage].seconds.mid
    return Ahead(own, sum(item.seconds.mid for item in missing if item.stage != stage))
