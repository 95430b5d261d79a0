"""kill -9 at any moment: no acknowledged row is lost, the manifest and the arrays are whole."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time

import numpy as np

from heldout.store import create_run, list_runs, query

KILLS = 14
WRITER = """
import os, sys
import numpy as np
from heldout.store import open_run
run = open_run(sys.argv[1])
life = int(sys.argv[2])
for i in range(10**9):
    run.append([{"life": life, "i": i, "pad": "x" * (i % 300)}, {"life": life, "i": -i - 1}])
    os.write(1, b"%d\\n" % i)          # the acknowledgement, after the row
    if i % 20 == 0:
        run.note("progress", [life, i])
        run.save_array("state", np.full(20_000, float(i)))
"""


def test_killed_writers_lose_no_acknowledged_row(tmp_path):
    run = create_run(tmp_path, "killed", {}, 0)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    chance = random.Random(0)
    acknowledged = []
    for life in range(KILLS):
        worker = subprocess.Popen(
            [sys.executable, "-c", WRITER, run.path, str(life)], env=environment, stdout=subprocess.PIPE
        )
        first = [worker.stdout.readline(), worker.stdout.readline()]  # by now its first note and array stand
        time.sleep(chance.uniform(0.0, 0.15))
        worker.send_signal(signal.SIGKILL)
        lines = [*first, *worker.stdout.read().splitlines(keepends=True)]
        assert worker.wait() == -signal.SIGKILL
        acknowledged += [(life, int(line)) for line in lines if line.endswith(b"\n")]
        assert run.manifest["notes"]["progress"][0] == life
        assert len(set(run.load_array("state").tolist())) == 1
    assert len(acknowledged) > 20 * KILLS
    rows = run.rows()
    stored = {(row["life"], row["i"]) for row in rows}
    assert len(rows) == len(stored)
    wanted = {key for life, i in acknowledged for key in ((life, i), (life, -i - 1))}
    assert wanted - stored == set()
    assert query(tmp_path, "SELECT count(*) FROM rows")[1] == [(len(rows),)]
    assert list_runs(tmp_path)[0]["status"] == "running"  # its owner, this process, lives
    assert np.isfinite(run.load_array("state")).all()
