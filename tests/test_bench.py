"""scripts/bench runs every case with the present service."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
CASES = ("bare find_one", "constant", "viewer", "50 users", "own metadata")


def test_bench_prints_a_figure_for_every_case(tmp_path: Path) -> None:
    figures = tmp_path / "figures.json"
    ran = subprocess.run(
        [sys.executable, ROOT / "scripts/bench.py", "--rounds", "1", "--seconds", "0.01", "--json", figures],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    # The status differs from 0 when an answer is not the one that the case expects.
    assert ran.returncode == 0, ran.stderr
    found = json.loads(figures.read_text())
    lines = [line.split() for line in ran.stdout.splitlines()]
    for case in CASES:
        assert found["commands"][case] or case == "constant"
        for way in ("HTTP", "in process"):
            for callers in (1, 32):
                row = found[f"{case}/{way}/{callers}"]
                assert min(row.values()) > 0
                key = f"{case} {way} {callers} ".split()
                [line] = [each for each in lines if each[: len(key)] == key]
                assert f"{row['ratio']:.2f}" in line
    assert found["commands"]["bare find_one"] == found["commands"]["viewer"] == ["find"]
