"""The page of one rehearsal, from its beginning until Ctrl-C."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcci.rehearsal.page.routes import Page

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from starlette.routing import BaseRoute

    from mcci.config.model import Config
    from mcci.lab.plan import Folder
    from mcci.rehearsal.gitlab.site import Site
    from mcci.rehearsal.page.lab import LabCluster
    from mcci.rehearsal.page.live import Live
    from mcci.rehearsal.play.stage import Stage


class Served:
    """What `mcci rehearse --serve` adds to a rehearsal. `shown` is the service whose page is beside the pipelines."""

    def __init__(self, tell: Callable[[str], None], *, shown: str = "") -> None:
        self._tell = tell
        self._shown = shown
        self._page: Page | None = None
        self._live: Live | None = None
        self._clusters: list[LabCluster] = []

    def routes(self, site: Site) -> Sequence[BaseRoute]:
        """Return the page's routes."""
        self._page = Page(site, self._beside)
        return self._page.routes()

    def served(self, site: Site) -> None:
        """Say where the page is."""
        del site
        assert self._page is not None
        self._tell(f"the page is at {self._page.link} (the link works once)")

    def watch(self, config: Config, folder: Folder) -> None:
        """Look at a lab's canaries from now on."""
        from mcci.rehearsal.page.lab import clusters
        from mcci.rehearsal.page.live import Live

        self._clusters = list(clusters(config, folder))
        self._live = Live(self._clusters, self._shown)
        self._live.start()

    def stay(self, stage: Stage) -> None:
        """Stay until Ctrl-C."""
        self._tell("the scenario is over; the page stays until Ctrl-C")
        try:
            while not stage.stopped.wait(1.0):
                pass
        except KeyboardInterrupt:
            self._tell("the rehearsal ends")

    def close(self) -> None:
        """Look no more."""
        if self._live is not None:
            self._live.stop()
        for each in self._clusters:
            each.close()

    def _beside(self) -> Mapping[str, object]:
        return self._live.body() if self._live is not None else {}
