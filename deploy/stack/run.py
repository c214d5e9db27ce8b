"""Run a local stack in the foreground: for developing and for trying things out.

    python -m deploy.stack.run DATA_DIR [--kafka-port N] [--elasticsearch-port N]

Prints two lines, `kafka 127.0.0.1:PORT` and `elasticsearch http://127.0.0.1:PORT`, once both answer, and stays until
Ctrl-C or SIGTERM.
"""

import argparse
import signal
import sys
import threading
from pathlib import Path

from rich.console import Console

from deploy.errors import UserError
from deploy.stack.local_stack import LocalStack


def main() -> int:
    """Start, say where, stay, stop; 0, or the exit code of what went wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data_dir", type=Path)
    parser.add_argument("--kafka-port", type=int)
    parser.add_argument("--elasticsearch-port", type=int)
    options = parser.parse_args()
    output, console = Console(highlight=False, soft_wrap=True), Console(stderr=True, highlight=False, soft_wrap=True)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with LocalStack(
            options.data_dir,
            kafka_port=options.kafka_port,
            elasticsearch_port=options.elasticsearch_port,
            report=lambda line: console.print(line, markup=False),
        ) as stack:
            output.print(f"kafka {stack.kafka}\nelasticsearch {stack.elasticsearch}")
            threading.Event().wait()
    except UserError as problem:
        console.print(str(problem), markup=False)
        return problem.exit_code
    except KeyboardInterrupt:
        console.print("Stopped.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
