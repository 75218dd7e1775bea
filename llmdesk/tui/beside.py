"""Running something beside the screen until it ends or the screen goes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from textual.dom import DOMNode


def beside(
    node: DOMNode, work: Callable[[], Coroutine[Any, Any, None]], *, group: str = "default", exclusive: bool = False
) -> None:
    """Run ``work`` as a worker of ``node``; ``exclusive`` ends what runs in the same group.

    It takes a function, not a coroutine: a worker that is ended before it begins would leave a coroutine nobody awaits.
    """
    from textual.css.query import NoMatches

    async def until_left() -> None:
        try:
            await work()
        except NoMatches:
            # A screen goes from its leaves up: it still belongs to the app when there is nothing left to show it on.
            if node.is_attached and not node._pruning and node.app.is_running:  # noqa: SLF001
                raise

    node.run_worker(until_left, group=group, exclusive=exclusive)  # type: ignore[arg-type] # mypy finds no fit there
