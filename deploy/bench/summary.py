"""Repetitions of a benchmark -> what is said of them. Pure."""

import os
import platform
import statistics
from collections.abc import Sequence
from typing import Any

from rich.table import Table

from deploy.bench.process import Work


def spread(values: Sequence[float]) -> dict[str, float]:
    """Median, least and greatest."""
    return {
        "median": round(statistics.median(values), 1),
        "min": round(min(values), 1),
        "max": round(max(values), 1),
    }


def machine() -> dict[str, Any]:
    """What it was measured on: absolute figures mean nothing without it, and little if others were at work (`load`)."""
    return {
        "system": platform.system(),
        "processor": platform.machine(),
        "cores": os.cpu_count(),
        "memory_gigabytes": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30),
        "load": round(os.getloadavg()[0], 1),
        "python": platform.python_version(),
    }


def summary(name: str, load: str, messages: int, ours: Sequence[Work], copying: Sequence[Work]) -> dict[str, Any]:
    """One benchmark as a JSON object; `ratio` is ours to copying, of the medians."""
    said = {label: _of(works) for label, works in ((name, ours), ("copying", copying))}
    ratio = said[name]["messages_per_second"]["median"] / said["copying"]["messages_per_second"]["median"]
    return {
        "benchmark": name,
        "messages": messages,
        "load": load,
        "repetitions": len(ours),
        "machine": machine(),
        "results": said,
        "ratio": round(ratio, 3),
    }


def _of(works: Sequence[Work]) -> dict[str, Any]:
    peaks = [work.peak_bytes for work in works if work.peak_bytes is not None]
    return {
        "messages_per_second": spread([work.messages_per_second for work in works]),
        "cpu_milliseconds_per_message": round(statistics.median(work.cpu_milliseconds for work in works), 3),
        "messages_per_cpu_second": round(1000 / statistics.median(max(work.cpu_milliseconds, 1e-6) for work in works)),
        "peak_megabytes": round(max(peaks) / 1e6) if peaks else None,
    }


def table(found: dict[str, Any]) -> Table:
    """The same for people."""
    title = f"{found['benchmark']}: {found['messages']} messages ({found['load']}), {found['repetitions']} repetitions"
    machine_line = ", ".join(f"{key} {value}" for key, value in found["machine"].items())
    made = Table(title=title, caption=f"{machine_line}. Ratio to copying: {found['ratio']}", title_justify="left")
    for column in ("messages", "a second", "min", "max", "a CPU second", "CPU ms each", "peak MB"):
        made.add_column(column, justify="left" if column == "messages" else "right")
    for label, result in found["results"].items():
        speed = result["messages_per_second"]
        made.add_row(
            label,
            *(f"{speed[key]:,.0f}" for key in ("median", "min", "max")),
            f"{result['messages_per_cpu_second']:,}",
            f"{result['cpu_milliseconds_per_message']:.3f}",
            str(result["peak_megabytes"] or "?"),
        )
    return made
