"""An adapter in the standard library alone that answers for `activations.relu`, in one of several ways.

Its argument says how: `well`; `leaky`, with a slope of 1/4 below zero where nothing is configured; `warming`,
which has that slope in its first answer alone; `refuse`, which does not start; or `fragile`, which dies where
an input holds 7, and never answers where one holds 8. A second argument is the name of a file: while it is
there, 8 is not answered either.
"""

import base64
import json
import math
import os
import signal
import struct
import sys
from pathlib import Path
from typing import Any

IDENTITY = {
    "name": "rectifier",
    "language": "python",
    "versions": {},
    "settings": {},
    "platform": {},
    "arithmetic": {"base": "ieee-float32"},
    "capabilities": {"activations.relu": ["output/*"]},
}


def reply(message: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def rectified(tensor: dict[str, Any], slope: float, threshold: float, top: float) -> dict[str, Any]:
    data = base64.b64decode(tensor["data"])
    values = struct.unpack(f"<{len(data) // 4}f", data)
    below = [slope * (x - threshold) if slope else 0.0 for x in values]
    answers = [low if x <= threshold else min(x, top) for x, low in zip(values, below, strict=True)]
    encoded = base64.b64encode(struct.pack(f"<{len(answers)}f", *answers)).decode()
    return {**tensor, "type": "tensor", "data": encoded}


def main(how: str) -> None:
    for line in sys.stdin:
        request = json.loads(line)
        if request["command"] == "start":
            if how == "refuse":
                sys.exit("ModuleNotFoundError: No module named 'rectifier'")
            reply({"reply": "started", "protocol": 1, "identity": {**IDENTITY, "name": how}})
        elif request["command"] == "stop":
            return
        else:
            (x,) = request["case"]["inputs"]
            data = base64.b64decode(x["data"])
            if how == "fragile" and struct.pack("<f", 7.0) in data:
                os._exit(9)
            stuck = how == "fragile" or any(Path(name).exists() for name in sys.argv[2:])
            if stuck and struct.pack("<f", 8.0) in data:
                signal.pause()
            config = request["case"]["config"]
            leaks = how == "leaky" or (how == "warming" and request["id"] == 1)
            slope = 0.25 if leaks and not config else config.get("negative_slope", 0.0)
            answer = rectified(x, slope, config.get("threshold", 0.0), config.get("max_value") or math.inf)
            observables = dict.fromkeys(request["case"]["observables"], answer)
            reply({"reply": "observed", "id": request["id"], "observables": observables})


main(sys.argv[1])
