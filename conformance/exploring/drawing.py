"""Draws the cases of a search: the program behind `drawer.py`, `python -m conformance.exploring.drawing`.

In a round Hypothesis draws cases of one space, some at a time, which costs less than one by one, until one
fails in a new way; that it reduces. Some rounds aim at large margins: they draw again and again what came
near to a limit, with one choice changed.
"""

from __future__ import annotations

import base64
import gc
import os
import pickle
import threading
import traceback
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from queue import SimpleQueue
from typing import BinaryIO

import hypothesis
import msgspec
from hypothesis import HealthCheck, Phase
from hypothesis import strategies as st
from hypothesis.errors import Flaky, Unsatisfiable

from conformance.cases.case import Case
from conformance.exploring.drawer import SIDE_BY_SIDE, Begin, Came, Drawn, Ended, Failed, Ready, Told
from conformance.exploring.spaces import Space
from conformance.runners.wire import reserve_standard_streams

ROUND = 12
"""How many times cases of a space are drawn in one round."""

TOGETHER = 16
"""How many cases are drawn at a time at most, half as many in the mean; they go to the backends together."""

_requests = msgspec.json.Decoder(Begin | Told)
_encoder = msgspec.json.Encoder()


class Failing(Exception):
    """A case fails in the way that is reduced."""


class Over(KeyboardInterrupt):
    """The search is over: what Hypothesis lets through. It never leaves the thread that draws."""


class Rounds:
    """The rounds on their way, each in a thread of its own.

    One thread draws while the others wait for answers: two at once would take the interpreter's lock from
    one another at every turn, and twice as long.
    """

    def __init__(self, spaces: Mapping[str, Space], replies: BinaryIO) -> None:
        self.spaces, self.replies = spaces, replies
        self.turn = threading.Lock()
        self.one_message = threading.Lock()
        self.answers: dict[int, SimpleQueue[Came]] = {}
        # Threads that stay: in each new one Hypothesis has all garbage collected.
        self.threads = ThreadPoolExecutor(SIDE_BY_SIDE)

    def serve(self, requests: BinaryIO) -> None:
        """Do what is asked, until nobody asks any more."""
        for line in requests:
            match _requests.decode(line):
                case Begin(number) as begin:
                    self.answers[number] = SimpleQueue()
                    self.threads.submit(self.draw, begin)
                case Told(number, came):
                    self.answers[number].put(came)

    def draw(self, begin: Begin) -> None:
        """One round."""

        @hypothesis.seed(begin.seed)
        @hypothesis.settings(
            max_examples=ROUND,
            database=None,
            deadline=None,
            phases=(Phase.generate, *([Phase.target] if begin.aiming else ()), Phase.shrink),
            suppress_health_check=list(HealthCheck),
            report_multiple_bugs=False,
            print_blob=False,
        )
        @hypothesis.given(st.lists(self.spaces[begin.subject], min_size=1, max_size=TOGETHER))
        def ask(cases: list[Case]) -> None:
            came = self.answer(Drawn(begin.round, tuple(cases)))
            if came.over:
                raise Over
            if came.failing:
                raise Failing
            if came.margin is not None:
                hypothesis.target(came.margin)

        try:
            with self.turn, suppress(Over, Failing, Flaky, Unsatisfiable):
                ask()
        except Exception:
            self.tell(Failed(traceback.format_exc()))
        else:
            del self.answers[begin.round]
            self.tell(Ended(begin.round))

    def answer(self, drawn: Drawn) -> Came:
        """What came of the cases; meanwhile another round draws."""
        self.tell(drawn)
        self.turn.release()
        try:
            return self.answers[drawn.round].get()
        finally:
            self.turn.acquire()

    def tell(self, message: Ready | Drawn | Ended | Failed) -> None:
        with self.one_message:
            self.replies.write(_encoder.encode(message) + b"\n")
            self.replies.flush()


def main() -> None:
    """Make the spaces, and draw from them."""
    requests, replies = reserve_standard_streams()
    rounds = Rounds({}, replies)
    try:
        rounds.spaces = pickle.loads(base64.b64decode(requests.readline()))()
    except Exception:
        rounds.tell(Failed(traceback.format_exc()))
        return
    # What is there now stays: the collector need not look at it again and again.
    gc.freeze()
    rounds.tell(Ready(tuple(rounds.spaces)))
    rounds.serve(requests)
    # Nobody asks any more, and rounds wait for answers that will not come.
    os._exit(0)


if __name__ == "__main__":
    main()
