"""All metrics of the server, for Prometheus. No label holds a person, a number or a call."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

__all__ = ["CONTENT_TYPE", "Metrics"]

CONTENT_TYPE = CONTENT_TYPE_LATEST

WAITS_S = (1, 3, 5, 10, 15, 20, 30, 45, 60, 90, 120, 180, 300, 600, 1200)
"""GB/T 33358 asks for an answer within 15 s, so 15 is a bound."""
REQUESTS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
CAPTIONS_S = (0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0)


class Metrics:
    """One set of metrics in a registry of its own, so that tests and servers side by side do not meet."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self.registry = registry or CollectorRegistry()
        if registry is None:
            ProcessCollector(registry=self.registry)
        r = self.registry
        # calls
        self.calls = Gauge("hotline_calls", "Calls now, by state", ["state"], registry=r)
        self.calls_ended = Counter(
            "hotline_calls_ended", "Calls that ended, by outcome", ["outcome"], registry=r
        )
        self.waits = Histogram(
            "hotline_wait_seconds",
            "From asking for a person to the answer",
            ["queue"],
            buckets=WAITS_S,
            registry=r,
        )
        self.rings = Counter("hotline_rings", "Agents' phones rung, by result", ["result"], registry=r)
        self.waiting = Gauge("hotline_waiting", "Citizens in line now", ["queue"], registry=r)
        self.satisfaction = Counter(
            "hotline_satisfaction", "Ratings given after calls", ["score"], registry=r
        )
        # agents
        self.agents = Gauge("hotline_agents", "Signed-in agents, by state", ["state"], registry=r)
        # Asterisk
        self.ami_up = Gauge("hotline_ami_up", "1 while the AMI link to a node is up", ["node"], registry=r)
        self.ami_events = Counter("hotline_ami_events", "AMI events read", ["node"], registry=r)
        self.ami_reconnects = Counter("hotline_ami_reconnects", "AMI links made again", ["node"], registry=r)
        self.ami_actions = Counter(
            "hotline_ami_actions", "AMI actions, by result", ["node", "result"], registry=r
        )
        self.agi_sessions = Gauge("hotline_agi_sessions", "FastAGI sessions open now", registry=r)
        self.agi_ended = Counter(
            "hotline_agi_sessions_ended", "FastAGI sessions, by result", ["result"], registry=r
        )
        # captions
        self.asr_up = Gauge("hotline_asr_up", "1 while live transcription is available", registry=r)
        self.asr_taps = Gauge("hotline_asr_taps", "Call legs being transcribed now", registry=r)
        self.asr_lines = Counter("hotline_asr_lines", "Sentences transcribed", ["speaker"], registry=r)
        self.asr_delay = Histogram(
            "hotline_asr_delay_seconds",
            "From the end of a sentence to its text",
            buckets=CAPTIONS_S,
            registry=r,
        )
        # journal
        self.journal_pending = Gauge("hotline_journal_pending", "Entries not yet in the database", registry=r)
        self.journal_lag = Gauge("hotline_journal_lag_seconds", "Age of the oldest of those", registry=r)
        self.journal_written = Counter(
            "hotline_journal_written", "Entries written to the database", registry=r
        )
        self.journal_rejected = Counter(
            "hotline_journal_rejected", "Entries set aside as unusable", registry=r
        )
        # pages
        self.pages = Gauge("hotline_pages", "WebSocket pages connected now", registry=r)
        self.page_messages = Counter(
            "hotline_page_messages", "Messages read from pages", ["result"], registry=r
        )
        self.page_resyncs = Counter("hotline_page_resyncs", "Slow pages given a new snapshot", registry=r)
        self.logins = Counter("hotline_logins", "Attempts to sign in, by result", ["result"], registry=r)
        self.requests = Histogram(
            "hotline_http_request_seconds",
            "HTTP requests",
            ["method", "route", "status"],
            buckets=REQUESTS_S,
            registry=r,
        )
        self.loop_lag = Gauge("hotline_loop_lag_seconds", "How late the event loop's timers are", registry=r)

    def text(self) -> bytes:
        """Return everything in Prometheus' text format."""
        return generate_latest(self.registry)
