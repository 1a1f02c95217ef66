"""Runs Python scripts one after the other, with one import of TensorFlow, and writes as JSON how each ended:
its path → exit code and what it printed, as the interpreter would."""

import contextlib
import io
import json
import runpy
import sys
import traceback


def run(path: str) -> tuple[int, str]:
    printed = io.StringIO()
    code = 0
    sys.argv = [path]
    with contextlib.redirect_stdout(printed):
        try:
            runpy.run_path(path, run_name="__main__")
        except SystemExit as error:
            code = error.code if isinstance(error.code, int) else 1
            print(error.code)
        except BaseException:
            code = 1
            print(traceback.format_exc())
    return code, printed.getvalue()


json.dump({path: run(path) for path in sys.argv[1:]}, sys.stdout)
