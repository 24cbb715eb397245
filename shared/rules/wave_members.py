"""What the wave of a decision is planned by: who builds on what, as it is kept; nobody outside is asked."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from shared.domain.policy.rebuilding import ACR, Rebuilding
from shared.domain.promotion.kept_tasks import base_name
from shared.domain.promotion.rebuilds import ApplicationTask
from shared.domain.promotion.target import Target
from shared.domain.waves.builders import of_task, task_id, together
from shared.domain.waves.graph import Graph, Root
from shared.domain.waves.planned import Ground
from shared.domain.waves.wave import Wave
from shared.rules.elsewhere import Elsewhere
from shared.rules.listings import KeptListings


class WaveMembers:
    """Puts it together.

    Args:
        listings: gives the tasks of the application registries.
        elsewhere: knows what the watch list says is built on tags.
        server: login server of the base registry.
        host: gives the login server of an application registry.
    """

    def __init__(
        self,
        listings: Callable[[], KeptListings],
        elsewhere: Elsewhere,
        server: str,
        host: Callable[[str], str],
    ) -> None:
        self._listings = listings
        self._elsewhere = elsewhere
        self._server = server
        self._host = host

    def ground(
        self, target: Target, asked: Rebuilding, tasks: Sequence[ApplicationTask], before: Wave | None
    ) -> Ground:
        """Return what the wave of a target's decision is planned by; what cannot be read now joins once it can.

        Args:
            target: it.
            asked: what its entry asks for.
            tasks: that are known to name its tag.
            before: the wave of the decision before; ``None`` if there was none.

        Raises:
            ServiceError: which list is in force cannot be read.
        """
        listed = self._listings().known(renew=False).tasks
        known = {task_id(one.registry, one.name): one for one in (*listed, *tasks)}
        builders = (of_task(one, self._host(one.registry)) for one in known.values())
        impact = Graph(together([*builders, *self._elsewhere.builders(target)])).impact([self._root(target)])
        names = [one.builder.id for one in impact.hits]
        return Ground(
            target=target,
            asked=asked,
            hits=impact.hits,
            tasks={name: known[name] for name in names if name in known},
            kinds={name: self._elsewhere.named(name).kind for name in names if not name.startswith(f"{ACR}:")},
            cycles=impact.cycles,
            server=self._server,
            before=before,
        )

    def _root(self, target: Target) -> Root:
        borne = {target.seen, target.wanted, *(one.digest for one in target.former)} - {""}
        return Root(base_name(self._server, target.repository), target.tag, frozenset(borne))
