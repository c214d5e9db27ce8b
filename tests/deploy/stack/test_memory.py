import subprocess
import sys
from pathlib import Path

from deploy.stack.memory import resident_bytes


def test_counts_a_session_and_its_children():
    program = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'print(1); input()'], check=False)"
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
    ) as process:
        assert process.stdout.readline() == b"1\n"
        both = resident_bytes({process.pid})
        process.stdin.close()
    assert 8_000_000 < both < 200_000_000
    assert resident_bytes({process.pid}) == 0


def test_says_nothing_where_there_is_no_proc(tmp_path: Path):
    assert resident_bytes({1}, tmp_path) is None
