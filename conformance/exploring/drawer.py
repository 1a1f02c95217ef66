"""The process that draws, as the search sees it: it is asked for rounds, sends the cases of each, and is told
what came of them.

Hypothesis draws in threads, each of which waits for answers. In the process of the event loop they would take
the interpreter's lock from it at every call, and both would take twice as long.
"""

from __future__ import annotations

import base64
import itertools
import pickle
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack

import anyio
import anyio.abc
import msgspec
from hypothesis.strategies import SearchStrategy

from conformance.cases.case import Case
from conformance.runners.child import Child

MakeSpaces = Callable[[], Mapping[str, SearchStrategy[Case]]]
"""Makes the spaces that are searched, by subject, in the process that draws; it travels there pickled."""

SIDE_BY_SIDE = 12
"""How many spaces are searched at once: so many times some cases are on their way to the backends."""

LONGEST_LINE = 2**26
"""Bytes of a message at most."""


class Came(msgspec.Struct, frozen=True):
    """What came of cases that were drawn together.

    Attributes:
        failing: whether one fails in the way that the round reduces.
        margin: how near a backend comes to its limits; None where nothing was asked.
        over: whether the search is.
    """

    failing: bool = False
    margin: float | None = None
    over: bool = False


class Begin(msgspec.Struct, frozen=True, tag="begin"):
    """Asks for a round of the subject's space; one that is aiming goes to where margins are large."""

    round: int
    subject: str
    seed: int
    aiming: bool


class Told(msgspec.Struct, frozen=True, tag="told"):
    """Tells a round what came of the cases that it has sent."""

    round: int
    came: Came


class Ready(msgspec.Struct, frozen=True, tag="ready"):
    """Tells that the spaces are made, and of which subjects there are any."""

    subjects: tuple[str, ...]


class Drawn(msgspec.Struct, frozen=True, tag="drawn"):
    """Sends cases of a round, which waits for what comes of them."""

    round: int
    cases: tuple[Case, ...]


class Ended(msgspec.Struct, frozen=True, tag="ended"):
    """Tells that a round is over."""

    round: int


class Failed(msgspec.Struct, frozen=True, tag="failed"):
    """Tells that nothing can be drawn, and the traceback."""

    error: str


_replies = msgspec.json.Decoder(Ready | Drawn | Ended | Failed)
_encoder = msgspec.json.Encoder()


class DrawingFailed(RuntimeError):
    """The process that draws has failed, or was ended."""


class Drawer:
    """The process, and its rounds on their way."""

    def __init__(self, child: Child) -> None:
        self.child = child
        self.subjects: tuple[str, ...] = ()
        self.ready = anyio.Event()
        self.numbers = itertools.count()
        self.rounds: dict[int, anyio.abc.ObjectSendStream[Drawn | Ended]] = {}
        self.one_message = anyio.Lock()

    @classmethod
    async def started(
        cls, make_spaces: MakeSpaces, stack: AsyncExitStack, group: anyio.abc.TaskGroup
    ) -> Drawer:
        """A drawer that is on its way to be `ready`; it listens in the group, and ends with the stack."""
        command = [sys.executable, "-m", "conformance.exploring.drawing"]
        child = await Child.spawn(command, {}, LONGEST_LINE)
        stack.push_async_callback(child.end)
        drawer = cls(child)
        group.start_soon(child.attend)
        group.start_soon(drawer.listen)
        await child.send(base64.b64encode(pickle.dumps(make_spaces)), b"\n")
        return drawer

    async def listen(self) -> None:
        """Hand on what the process says, until it ends.

        Raises:
            DrawingFailed: it has ended, or says that it cannot draw.
        """
        while (line := await self.child.receive_line()) is not None:
            match _replies.decode(line):
                case Ready(subjects):
                    self.subjects = subjects
                    self.ready.set()
                case Failed(error):
                    raise DrawingFailed(error)
                case Drawn() | Ended() as message:
                    await self.rounds[message.round].send(message)
        raise DrawingFailed(f"the process that draws {await self.child.epitaph()}: {self.child.complaint()}")

    async def round(
        self, subject: str, seed: int, aiming: bool, examine: Callable[[Sequence[Case]], Awaitable[Came]]
    ) -> None:
        """Have one round drawn, and its cases examined as they come."""
        number = next(self.numbers)
        send, receive = anyio.create_memory_object_stream[Drawn | Ended](1)
        self.rounds[number] = send
        with send, receive:
            await self.tell(Begin(number, subject, seed, aiming))
            while isinstance(message := await receive.receive(), Drawn):
                await self.tell(Told(number, await examine(message.cases)))
        del self.rounds[number]

    async def tell(self, message: Begin | Told) -> None:
        async with self.one_message:
            await self.child.send(_encoder.encode(message), b"\n")
