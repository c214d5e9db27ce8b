"""Metrics and health as Prometheus and a probe see them."""

import urllib.error
import urllib.request

import pytest

from deploy.errors import UserError
from deploy.telemetry import PrometheusMetrics, serve_monitoring
from schemas.metrics import METRICS


def get(port: int, path: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}") as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def test_ready_means_that_every_stage_says_so():
    metrics = PrometheusMetrics()
    port = serve_monitoring(metrics, "127.0.0.1", 0)
    assert [get(port, "/health/live")[0], get(port, "/health/ready")[0]] == [200, 503]
    metrics.gauge("ready", 1, stage="index")
    assert get(port, "/health/ready")[0] == 200
    metrics.gauge("ready", 0, stage="poll")
    assert get(port, "/health/ready")[0] == 503
    assert get(port, "/other")[0] == 404


def test_metrics_are_exposed_under_our_name():
    metrics = PrometheusMetrics()
    metrics.count("dispositions_total", stage="dedupe", disposition="accepted")
    metrics.observe("stage_seconds", 0.2, stage="dedupe")
    port = serve_monitoring(metrics, "127.0.0.1", 0)
    text = get(port, "/metrics")[1]
    assert 'kiosque_dispositions_total{disposition="accepted",stage="dedupe"} 1.0' in text
    assert 'kiosque_stage_seconds_count{stage="dedupe"} 1.0' in text


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_every_metric_takes_exactly_its_labels(metric):
    metrics = PrometheusMetrics()
    labels = dict.fromkeys(metric.labels, "x")
    {"counter": metrics.count, "gauge": metrics.gauge, "histogram": metrics.observe}[metric.type](
        metric.name, 1, **labels
    )
    with pytest.raises(ValueError, match="label"):
        metrics.count(metric.name, 1, **labels, other="x")


def test_taken_port_is_one_sentence():
    port = serve_monitoring(PrometheusMetrics(), "127.0.0.1", 0)
    with pytest.raises(UserError, match="choose another port"):
        serve_monitoring(PrometheusMetrics(), "127.0.0.1", port)
