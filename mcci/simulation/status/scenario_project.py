"""The projects of a scenario: its configurations, which stand in one file, as files of checkouts.

Each is cut out of the scenario's text with its lines kept where they are, so that what is wrong in a configuration is
found at its place in the scenario.
"""

from __future__ import annotations

from collections.abc import Mapping

from mcci.errors import InvalidInput
from mcci.findings import Finding, Position
from mcci.pipeline.document import Map
from mcci.pipeline.files import MemoryFiles
from mcci.simulation.events import Event, MergeRequest, Project, Source
from mcci.simulation.pipelines import simulate
from mcci.simulation.status.model import PipelineSpec
from mcci.simulation.status.planned import pipeline_spec
from mcci.simulation.status.scenario_model import Configured, Scenario

_CONFIGURATION = ".gitlab-ci.yml"


class ScenarioProjects:
    """Makes the pipelines of a scenario's configurations, as GitLab would."""

    def __init__(self, scenario: Scenario, text: str, file: str) -> None:
        self.scenario = scenario
        self.text = text
        self.file = file
        self.others = {
            path: self._project(path, {_CONFIGURATION: config}) for path, config in scenario.projects.items()
        }

    def pipeline(self, configured: Configured) -> PipelineSpec:
        """Return the jobs of a pipeline. Raises `InvalidInput`, with positions in the scenario, if there is none."""
        files = {_CONFIGURATION: configured.config, **self.scenario.files}
        project = self._project(configured.project, files, self.others)
        request = None
        if configured.source is Source.MERGE_REQUEST:
            request = MergeRequest(source=configured.ref, target=configured.target)
        event = Event(
            source=configured.source, ref=configured.ref, merge_request=request, variables=self.scenario.variables
        )
        try:
            return pipeline_spec(simulate(project, event))
        except InvalidInput as error:
            raise InvalidInput([self._placed(finding) for finding in error.findings]) from error

    def _project(self, path: str, files: Mapping[str, Map], others: Mapping[str, Project] | None = None) -> Project:
        texts = MemoryFiles({name: self._cut_out(config) for name, config in files.items()})
        return Project(files=lambda _ref: texts, path=path, projects=others or {})

    def _cut_out(self, config: Map) -> str:
        start, end = config.node.start_mark, config.node.end_mark
        return "\n" * start.line + " " * start.column + self.text[start.index : end.index] + "\n"

    def _placed(self, finding: Finding) -> Finding:
        position = Position(file=self.file, line=finding.position.line, column=finding.position.column)
        return Finding(
            rule=finding.rule,
            message=finding.message,
            position=position,
            severity=finding.severity,
            help=finding.help,
        )
