"""Stands in for npm: does in the current directory what FAKE_NPM says."""

import os
import signal
import sys
from pathlib import Path

assert sys.argv[1] == "ci"
assert Path("package-lock.json").is_file()
modules = Path("node_modules")
modules.mkdir()
match os.environ["FAKE_NPM"]:
    case "works":
        (modules / "tfjs.js").write_text("'tfjs'")
    case "offline":
        print("npm ERR! code ENOTFOUND")
        print("npm ERR! network request to the registry failed")
        sys.exit(1)
    case "tampered":
        print("npm WARN deprecated something")
        print("npm ERR! code EINTEGRITY")
        sys.exit(1)
    case "hangs":
        (modules / "half.js").write_text("'tf")
        signal.pause()
