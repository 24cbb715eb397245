"""Running steps in the order their ``when`` asks for, side by side where it allows."""

from __future__ import annotations

import graphlib
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

from infra.local.runner.task import Step


def run_in_order(steps: Sequence[Step], run: Callable[[Step], None], abandoned: threading.Event) -> None:
    """Call ``run`` with each step once those it waits for have returned.

    If one raises, ``abandoned`` is set so that those beside it end, the rest never start, and its error is raised.
    """
    by_id = {step.id: step for step in steps}
    order = graphlib.TopologicalSorter({step.id: step.after for step in steps})
    order.prepare()
    running: dict[Future[None], str] = {}
    with ThreadPoolExecutor(max_workers=len(steps), thread_name_prefix="step") as pool:
        try:
            while order.is_active():
                running |= {pool.submit(run, by_id[step_id]): step_id for step_id in order.get_ready()}
                for done in wait(running, return_when=FIRST_COMPLETED).done:
                    done.result()
                    order.done(running.pop(done))
        except BaseException:
            abandoned.set()
            raise
