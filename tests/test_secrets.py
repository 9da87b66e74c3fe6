"""Secrets: none is in the repository, and one that came in would be found."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
SCANNER = Path(sys.executable).parent / "detect-secrets-hook"


def scan(*paths: str | Path) -> subprocess.CompletedProcess[str]:
    """Look for keys, tokens and passwords; what is none is named in the baseline."""
    return subprocess.run(
        [SCANNER, "--no-verify", "--baseline", ".secrets.baseline", *paths],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_repository_holds_none() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    done = scan(*listed.stdout.rstrip("\0").split("\0"))
    assert done.returncode == 0, done.stdout


def test_one_would_be_found(tmp_path: Path) -> None:
    planted = tmp_path / "settings.py"
    planted.write_text('aws_key = "AKIA' + "Q3EG" * 4 + '"\n')
    done = scan(planted)
    assert done.returncode == 1
    assert f"{planted}:1" in done.stdout
