"""Any flow, any surroundings, any event: what the property tests of the flow engine draw from."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import strategies as st

from ivr_flows import messages as m
from ivr_flows import schema as s
from ivr_flows import schema_talk
from ivr_flows.engine import LEGAL, Stage, Surroundings
from ivr_flows.loader import load_flows
from ivr_flows.schema_types import ALL_KEYS, ENDS, Case, Comparison

SHIPPED = load_flows()
KEYS = st.sampled_from(ALL_KEYS)
NAMES = ("a", "b", "c", "d", "e")
TARGETS = st.sampled_from([*NAMES, *sorted(ENDS)])
PROMPTS = st.tuples(st.sampled_from(["greeting", "keys"]))
TRIES = st.integers(1, 5)
FLAGS = st.booleans()
NEEDS = st.dictionaries(st.sampled_from(["general", "dialect"]), st.integers(1, 5), max_size=2)
REFS = st.sampled_from(
    ["fact.known", "fact.web_x", "fact.number_until", "var.x", "var.y", "call.caller", "call.language"]
)
FACTS = st.dictionaries(
    st.sampled_from(["known", "last_agent", "blocked", "x", "Bad name", "number_queue"])
    | st.text(max_size=3)
    | st.integers(0, 99).map(lambda number: f"fact_{number}"),
    st.sampled_from(["yes", "no", "12", "2026-12-31", "x" * 500, "general", "", "１２", "一"]),
    max_size=60,
)
WORDS = st.text(max_size=20) | st.text(
    alphabet="不没有满意解决了是对人工转非常很一二三四五分还好的 ，打选0123456789", max_size=12
)

COMPARISONS = st.one_of(
    st.builds(Comparison, subject=REFS, equals=st.sampled_from(["yes", 12, "x"])),
    st.builds(Comparison, subject=REFS, among=st.just(("yes", "no"))),
    st.builds(Comparison, subject=REFS, exists=FLAGS),
    st.builds(Comparison, subject=REFS, holds=FLAGS),
    st.builds(Comparison, subject=REFS, at_least=st.just(3.0)),
    st.builds(Comparison, subject=REFS, at_most=st.just(3.0)),
    st.builds(Comparison, subject=REFS, passed=FLAGS),
)


def cases() -> st.SearchStrategy[Case]:
    """A single comparison, or a group."""
    groups = st.lists(COMPARISONS, min_size=1, max_size=3).map(tuple)
    return st.one_of(
        st.builds(Case, then=TARGETS, subject=REFS, holds=FLAGS),
        st.builds(Case, then=TARGETS, all_of=groups),
        st.builds(Case, then=TARGETS, any_of=groups),
    )


def intents() -> st.SearchStrategy[schema_talk.Intent]:
    """By words, by meaning, by key."""
    return st.builds(
        schema_talk.Intent,
        next=TARGETS,
        phrases=st.sampled_from([("人工智能",), ("解决",), ("没有解决", "没")]),
        means=st.none() | st.sampled_from(list(schema_talk.Meaning)),
        confirm=st.just(()) | PROMPTS,
    )


ROUTES = st.builds(
    s.ToPerson,
    queue=st.just("general"),
    needs=NEEDS,
    next=TARGETS,
    error=TARGETS,
    queue_from=st.none() | st.just("fact.number_queue"),
    priority=st.integers(-100, 100),
    keys=st.dictionaries(KEYS, TARGETS, max_size=3),
    listen=FLAGS,
    greeting=PROMPTS,
) | st.builds(
    s.ToPerson,
    queue=st.just("general"),
    next=TARGETS,
    error=TARGETS,
    max_wait_s=st.just(30.0),
    max_wait=TARGETS,
)

STEPS: st.SearchStrategy[s.Step] = st.one_of(
    st.builds(s.Announce, prompts=PROMPTS, next=TARGETS, error=TARGETS, interrupt=FLAGS,
              prompts_from=st.none() | st.just("fact.x")),
    st.builds(s.Menu, prompts=PROMPTS, keys=st.dictionaries(KEYS, TARGETS, min_size=1), no_key=TARGETS,
              wrong_key=TARGETS, error=TARGETS, tries=TRIES, flush=FLAGS),
    st.builds(s.CollectDigits, prompts=PROMPTS, into=st.sampled_from("xyz"), most=st.integers(4, 24),
              next=TARGETS, none=TARGETS, wrong=TARGETS, error=TARGETS, least=st.integers(1, 4), tries=TRIES,
              end_key=st.sampled_from(["#", ""]), flush=FLAGS),
    st.builds(s.Say, value=REFS, say_as=st.sampled_from(["number", "count", "digits", "date", "time"]).map(
        schema_talk.SayAs), next=TARGETS, error=TARGETS),
    st.builds(s.Say, value=st.just("now"), say_as=st.just(schema_talk.SayAs.DATE), next=TARGETS,
              error=TARGETS),
    st.builds(s.Hours, calendar=st.sampled_from(["office", "day", "nowhere"]), open=TARGETS, closed=TARGETS,
              holiday=TARGETS, error=TARGETS),
    st.builds(s.LanguageChoice, prompts=PROMPTS,
              choices=st.dictionaries(KEYS, st.builds(schema_talk.Language, language=st.just("english"),
                                                      needs=NEEDS), min_size=1),
              next=TARGETS, no_key=TARGETS, wrong_key=TARGETS, error=TARGETS, tries=TRIES),
    st.builds(s.CallerLookup, known=TARGETS, unknown=TARGETS, error=TARGETS),
    st.builds(s.Branch, cases=st.lists(cases(), min_size=1, max_size=3).map(tuple), otherwise=TARGETS),
    st.builds(s.SetValues, next=TARGETS, needs=NEEDS, priority=st.none() | st.integers(-100, 100),
              urgent=st.none() | FLAGS, vars=st.dictionaries(st.sampled_from("xyz"), st.just("{fact.x}!"))),
    ROUTES,
    st.builds(s.Callback, queue=st.just("general"), needs=NEEDS, next=TARGETS, none=TARGETS, wrong=TARGETS,
              error=TARGETS, tries=TRIES, accepted=st.just(()) | PROMPTS),
    st.builds(s.Message, next=TARGETS, none=TARGETS, error=TARGETS, saved=st.just(()) | PROMPTS),
    st.builds(s.Transfer, number=st.sampled_from(["10086", "1"]), next=TARGETS, busy=TARGETS,
              no_answer=TARGETS, failed=TARGETS),
    st.builds(s.Survey, prompts=PROMPTS, scores=st.dictionaries(KEYS, st.integers(1, 5), min_size=1),
              next=TARGETS, no_key=TARGETS, wrong_key=TARGETS, error=TARGETS, tries=TRIES, listen=FLAGS,
              flush=FLAGS, into=st.none() | st.just("x")),
    st.builds(s.Web, request=st.just("order"), next=TARGETS, error=TARGETS, values=st.just({"n": "{var.x}"})),
    st.builds(s.TakeNote, note=st.just("visit"), next=TARGETS, error=TARGETS,
              values=st.just({"x": "{var.x}", "y": "{call.caller}"})),
    st.builds(s.SubFlow, flow=st.sampled_from(["any", "inner", "absent"]), next=TARGETS, error=TARGETS),
    st.builds(s.Robot, prompts=PROMPTS, person=TARGETS, none=TARGETS, unclear=TARGETS, error=TARGETS,
              intents=st.dictionaries(st.sampled_from("pqr"), intents(), min_size=1), tries=TRIES,
              anything=st.none() | TARGETS, into=st.none() | st.just("x"),
              words_into=st.none() | st.just("y"), flush=FLAGS),
)  # fmt: skip
"""Any step, leading anywhere, to itself included."""


@st.composite
def random_flows(draw: st.DrawFn) -> s.Flow:
    """A flow of five steps; it may enter another one, or itself."""

    def one(name: str) -> s.Flow:
        return s.Flow(
            name=name,
            title="任意",
            version="1",
            start=draw(st.sampled_from(NAMES)),
            resume="e",
            after_talk=draw(st.sampled_from(NAMES)),
            max_steps=draw(st.integers(2, 30)),
            steps={**{step: draw(STEPS) for step in NAMES}, "e": draw(ROUTES)},
        )

    flow, inner = one("any"), one("inner")
    return replace(flow, linked={"any": flow, "inner": inner})


def flows() -> st.SearchStrategy[s.Flow]:
    """Any flow at all, all shipped ones among them."""
    return st.sampled_from(list(SHIPPED.by_name.values())) | random_flows()


SURROUNDINGS = st.builds(
    Surroundings,
    now=st.none() | st.floats(0, 4e9).map(lambda now: lambda: now),
    calendars=st.just(SHIPPED.calendars),
    caller=st.sampled_from(["", "13800001207", "anonymous", "1" * 40]),
    facts=FACTS,
    needs=NEEDS,
)

EVENTS: dict[type[m.Event], st.SearchStrategy[m.Event]] = {
    m.Played: st.builds(m.Played, key=st.none() | KEYS | st.sampled_from(["1", "2", "A", ""])),
    m.Collected: st.builds(m.Collected, digits=st.text(ALL_KEYS, max_size=200) | st.text(), ended=FLAGS)
    | st.just(m.Collected(digits="13800001207", ended=True)),
    m.Heard: st.builds(
        m.Heard, text=WORDS | st.just("是的"), confidence=st.floats(0, 1), key=st.none() | KEYS
    ),
    m.LookedUp: st.builds(m.LookedUp, facts=FACTS),
    m.Recorded: st.builds(m.Recorded, seconds=st.floats(0, 200)),
    m.LeftLine: st.builds(m.LeftLine, key=st.none() | KEYS),
    m.TransferOver: st.builds(
        m.TransferOver, result=st.sampled_from(["answered", "busy", "no_answer", "failed", "odd"])
    ),
    m.WebAnswered: st.builds(m.WebAnswered, facts=FACTS),
    m.TalkOver: st.just(m.TalkOver()),
    m.RouteFailed: st.just(m.RouteFailed(reason="any")),
    m.Done: st.just(m.Done()),
    m.Failed: st.just(m.Failed(reason="any")),
    m.HungUp: st.just(m.HungUp()),
}


def next_event(data: st.DataObject, stage: Stage, *, patient: bool) -> m.Event:
    """Any event that is legal in the stage; who is `patient` does not hang up."""
    kinds = sorted(LEGAL[stage], key=lambda kind: kind.__name__)
    if patient:
        kinds.remove(m.HungUp)
    return data.draw(EVENTS[data.draw(st.sampled_from(kinds))])
