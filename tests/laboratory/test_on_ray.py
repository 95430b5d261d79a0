"""The same cells on a local Ray cluster; and what is said where ray is not installed."""

from __future__ import annotations

import json


def test_a_local_cluster_stores_the_same_rows(bench):
    bench.plan("fine", "raises", "fine")
    bench.environment["RAY_USAGE_STATS_ENABLED"] = "0"
    code, said = bench.heldout(
        "study", bench.study, "--out", "r", "--on", "ray", "--workers", "1", "--json", "r.json"
    )
    assert code == 1, said
    bench.heldout("study", bench.study, "--out", "p", "--json", "p.json")
    ray, here = (json.loads((bench.folder / name).read_text()) for name in ("r.json", "p.json"))
    assert ray["figures"] == here["figures"]
    assert ray["run"]["failed"] == here["run"]["failed"]
    assert ray["run"]["on"] == "ray"
    assert ray["run"]["rows"] == 6


def test_without_ray_the_extra_is_named(bench):
    (bench.folder / "ray.py").write_text("raise ImportError('planted')")
    bench.environment["PYTHONPATH"] = f"{bench.folder}:{bench.environment['PYTHONPATH']}"
    code, said = bench.heldout("study", bench.study, "--out", "r", "--on", "ray")
    assert code == 2
    assert 'pip install "heldout[ray]"' in said
