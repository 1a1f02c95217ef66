"""Work in processes side by side."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from typing import Any, TypeVar

import psutil

Result = TypeVar("Result")


def side_by_side(
    work: Callable[..., Result], asked: Iterable[tuple[Any, ...]], jobs: int
) -> Iterator[Result]:
    """What comes of the work for each of these arguments, as it comes, in so many processes. Where that is
    given up, as by Ctrl+C, they are ended."""
    with ProcessPoolExecutor(
        jobs, initializer=signal.signal, initargs=(signal.SIGINT, signal.SIG_IGN)
    ) as pool:
        futures = [pool.submit(work, *arguments) for arguments in asked]
        try:
            for future in as_completed(futures):
                yield future.result()
        except BaseException:
            # The pool would wait for what it has begun, which may take minutes.
            pool.shutdown(wait=False, cancel_futures=True)
            for worker in psutil.Process().children():
                worker.terminate()
            raise
