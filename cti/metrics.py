"""All metrics of the server, for Prometheus. No label holds a person, a number or a call."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

__all__ = ["CONTENT_TYPE", "Metrics"]

CONTENT_TYPE = CONTENT_TYPE_LATEST

WAITS_S = (1, 3, 5, 10, 15, 20, 30, 45, 60, 90, 120, 180, 300, 600, 1200)
"""GB/T 33358 asks for an answer within 15 s, so 15 is a bound."""
REQUESTS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)


class Metrics:
    """One set of metrics in a registry of its own, so that tests and servers side by side do not meet."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self.registry = registry or CollectorRegistry()
        if registry is None:
            ProcessCollector(registry=self.registry)
        r = self.registry
        # calls
        self.calls = Gauge("hotline_calls", "Calls now, by state", ["state"], registry=r)
        self.calls_started = Counter("hotline_calls_started", "Calls that reached us", registry=r)
        self.calls_ended = Counter("hotline_calls_ended", "Calls over, by outcome", ["outcome"], registry=r)
        self.waits = Histogram(
            "hotline_wait_seconds",
            "From asking for a person to the answer",
            ["queue"],
            buckets=WAITS_S,
            registry=r,
        )
        self.rings = Counter("hotline_rings", "Agents' phones rung, by result", ["result"], registry=r)
        self.waiting = Gauge("hotline_waiting", "Citizens in line now", ["queue"], registry=r)
        self.flows_failed = Counter("hotline_flows_failed", "Calls given back to the dialplan", registry=r)
        self.prompts_missing = Counter("hotline_prompts_missing", "Sentences without audio", registry=r)
        self.transfers = Counter(
            "hotline_transfers",
            "People asked in, transfers, handovers, by what they are and what became of them",
            ["kind", "result"],
            registry=r,
        )
        self.mos = Histogram(
            "hotline_call_mos",
            "Estimated mean opinion score of agents' legs, every ten seconds (E-model, ITU-T G.107)",
            buckets=(1.5, 2, 2.5, 2.8, 3.1, 3.4, 3.6, 3.8, 4, 4.2, 4.5),
            registry=r,
        )
        self.loss = Histogram(
            "hotline_call_loss",
            "Share of packets lost on agents' legs, every ten seconds",
            buckets=(0, 0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1),
            registry=r,
        )
        self.rejoins = Counter(
            "hotline_rejoins",
            "Talks whose agent's telephone vanished: kept, back, given_up",
            ["result"],
            registry=r,
        )
        self.rejoin_s = Histogram(
            "hotline_rejoin_seconds",
            "From noticing that an agent's telephone vanished to its being back",
            buckets=(0.25, 0.5, 1, 2, 3, 5, 10, 20, 60),
            registry=r,
        )
        self.recovered = Counter("hotline_recovered", "Calls found again after a start", ["what"], registry=r)
        # edited files
        self.unknown_numbers = Counter(
            "hotline_unknown_numbers", "Calls to numbers that the table does not have", registry=r
        )
        self.reloads = Counter(
            "hotline_reloads", "Edited flows and policies, by result", ["part", "result"], registry=r
        )
        self.refused = Gauge(
            "hotline_files_refused",
            "1 while newer files are refused and older ones in force",
            ["part"],
            registry=r,
        )
        # agents
        self.agents = Gauge("hotline_agents", "Signed-in agents, by state", ["state"], registry=r)
        self.line_mode = Gauge(
            "hotline_line_mode", "1 for this server's part in the common line", ["mode"], registry=r
        )
        self.line_epoch = Gauge("hotline_line_epoch", "Newest epoch of the line's leader", registry=r)
        # Asterisk
        self.ami_up = Gauge("hotline_ami_up", "1 while the AMI link to a node is up", ["node"], registry=r)
        self.ami_events = Counter("hotline_ami_events", "AMI events read", ["node"], registry=r)
        self.ami_reconnects = Counter("hotline_ami_reconnects", "AMI links made again", ["node"], registry=r)
        self.agi_sessions = Gauge("hotline_agi_sessions", "FastAGI sessions open now", registry=r)
        # captions and drafts
        self.asr_up = Gauge("hotline_asr_up", "1 while live transcription is available", registry=r)
        self.taps = Counter("hotline_taps", "Call legs to be transcribed, by result", ["result"], registry=r)
        self.asr_lines = Counter("hotline_asr_lines", "Sentences transcribed", ["speaker"], registry=r)
        self.drafts = Counter("hotline_drafts", "What became of drafts", ["event"], registry=r)
        self.draft_seconds = Histogram(
            "hotline_draft_seconds",
            "Time to draft an order from a transcript",
            buckets=REQUESTS_S,
            registry=r,
        )
        self.listen_lag = Histogram(
            "hotline_listen_lag_seconds",
            "From the end of a citizen's answer to the flow's next step",
            buckets=(0.3, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0, 3.0, 5.0),
            registry=r,
        )
        self.keys_dropped = Counter("hotline_keys_dropped", "Keys beyond what is kept: floods", registry=r)
        self.messages_left = Counter(
            "hotline_messages_left", "Voice messages recorded, by result", ["result"], registry=r
        )
        self.web_requests = Counter(
            "hotline_web_requests", "Questions of flows to other systems, by result", ["result"], registry=r
        )
        # accepted orders
        self.orders_under_way = Gauge(
            "hotline_orders_under_way",
            "Orders under way: open, of those near the end of a limit or late, of those late",
            ["state"],
            registry=r,
        )
        self.orders_unreadable = Gauge(
            "hotline_orders_unreadable", "Orders whose row cannot be read, passed over by rounds", registry=r
        )
        self.clock_crossings = Counter(
            "hotline_clock_crossings", "Time limits that became near, late, grave", ["level"], registry=r
        )
        # return visits
        self.visits = Counter("hotline_visits", "Tries of return visits, by result", ["result"], registry=r)
        self.visits_running = Gauge("hotline_visits_running", "Robot calls that ring or talk", registry=r)
        # journal
        self.journal_lost = Counter("hotline_journal_lost", "Entries that the full disk refused", registry=r)
        self.journal_pending = Gauge("hotline_journal_pending", "Entries not yet in the database", registry=r)
        self.journal_lag = Gauge("hotline_journal_lag_seconds", "Age of the oldest of those", registry=r)
        self.journal_rejected = Gauge(
            "hotline_journal_rejected", "Entries set aside since the start", registry=r
        )
        # pages and HTTP
        self.pages = Gauge("hotline_pages", "WebSocket pages connected now", registry=r)
        self.page_messages = Counter(
            "hotline_page_messages", "Messages of pages, by result", ["result"], registry=r
        )
        self.page_resyncs = Counter("hotline_page_resyncs", "Slow pages given a new snapshot", registry=r)
        self.page_returns = Counter(
            "hotline_page_returns",
            "Pages that came back over a new connection, by what they were given",
            ["result"],
            registry=r,
        )
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
