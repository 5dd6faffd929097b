"""Modules that people run by hand, run by a test: in a process of their own, with an installation of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).parents[1]
PATIENCE = 900
"""Seconds."""


def run_by_hand(module: str, *arguments: str, folder: Path) -> list[Any]:
    """What the module told, a line each; it must end well. ``folder`` is where it may make its installation."""
    environment = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=PROJECT,
        env={**environment, "VAR_DIR": str(folder / "var")},
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]
