"""The floor of the centre: who is there, who waits, and what follows when somebody becomes free or leaves.

The router (`acd.router`) decides whether an event may be; this part carries its consequences through.
"""

from __future__ import annotations

from collections.abc import Iterable

from acd.agents import Agent
from acd.homes import Home
from acd.late import CALLER_GONE, ENDED, LEFT, RING_LIMIT
from acd.matching import Matching
from acd.messages import Decision, Media, NotReadyReason, Offer, OfferWithdrawn, SentAway
from acd.moves import NOT_READY, OFFLINE, READY, TALKING, WRAP_UP
from acd.policy import QueuePolicy
from acd.waiting import Call


class Floor(Matching):
    """Agents, calls and lines under one policy, and every way they change."""

    # ------------------------------------------------------------ calls in line

    def requeue(self, call: Call, decisions: list[Decision], now: float, *, joins: bool = False) -> None:
        """A call that is in no line: offer it to whoever is ready, or put it in line at its place."""
        self.changed_calls.add(call.call_id)
        self.find_lines(call, now)
        if self.pending or self.left or self.holding:
            self.pending.append(call)
            call.told_place = 0
        elif (agent := self.best_agent(call)) is not None:
            self.ring(call, agent, decisions, now)
            return
        self.stand(call, now)
        if self.pending:
            return
        home = self.homes.of(call)
        place = self.homes.place_of(call)
        number = call.centre(now) or (home.turned_away(call, place) if joins else None)
        if number is not None:
            self.send_away(call, number, decisions, now)
            return
        self.homes.began(call, place, now)
        decisions.append(call.told(place))
        self.hurry((home,), now)

    def reopen(self, calls: Iterable[Call], now: float) -> None:
        """Something opened to these calls, which stand in line: let them in, and match them at the flush."""
        for call in calls:
            self.unstand(call)
            self.changed_calls.add(call.call_id)
            self.find_lines(call, now)
            self.stand(call, now)
            self.pending.append(call)

    def flush(self, decisions: list[Decision], now: float) -> None:
        """The event is through: match, first one first, the calls that it set in motion."""
        while self.left or self.pending:
            for agent in self.left:
                alone = [call for call in self.lines.preferring(agent) if not _served(call)]
                self.reopen({call.call_id: call for call in alone}.values(), now)
            pending, self.pending, self.left = self.pending, [], []
            for call in sorted(pending, key=lambda call: call.place):
                if call.stamp:  # has found no agent so far, and has not left
                    self._match(call, decisions, now)
            longer = {call.queue.name: self.homes.of(call) for call in pending if call.stamp}
            self.hurry(longer.values(), now)

    def _match(self, call: Call, decisions: list[Decision], now: float) -> None:
        """A call in line: ring, or send away, or tell the place to one who has not heard it."""
        if (agent := self.best_agent(call)) is not None:
            self.unstand(call)
            self.ring(call, agent, decisions, now)
        elif (number := call.centre(now)) is not None:
            self.send_away(call, number, decisions, now)
        elif not call.told_place:
            place = self.homes.place_of(call)
            self.homes.began(call, place, now)
            decisions.append(call.told(place))

    def hurry(self, homes: Iterable[Home], now: float) -> None:
        """Bring steps forward where the line is long."""
        for home in homes:
            if not home.early:
                continue
            usual = (home.queue, frozenset(home.queue.needs.items()))
            serving = self.lines.get(usual, Media.VOICE, self.agents, now).serving
            moved = []
            for call, step in home.overdue(self.times, serving):
                call.step = step
                moved.append(call)
            self.reopen(moved, now)

    def send_away(self, call: Call, number: str, decisions: list[Decision], now: float) -> None:
        self.unstand(call)
        self.homes.errors.left(call.call_id, now)
        del self.calls[call.call_id]
        self.changed_calls.add(call.call_id)
        self.endings.note(call.call_id, "", LEFT)
        decisions.append(SentAway(call_id=call.call_id, number=number))

    # ------------------------------------------------------------ agents

    def settle(self, agent: Agent, decisions: list[Decision], now: float) -> None:
        """Draw the consequences of an agent's new state: work for the ready, farewell to the gone."""
        self.note(agent)
        told = False
        if agent.state is READY:
            while (call := self.take_call(agent)) is not None:
                if call.media is Media.TEXT and not told:
                    decisions.append(agent.changed())
                    told = True
                self.unstand(call)
                self.ring(call, agent, decisions, now)
                if agent.state is not READY:
                    return
            self.lines.offer(agent)
            while agent.scarce and (held := self.first_held(agent)) is not None:
                if (free := self.best_agent(held)) is None:
                    break
                self.unstand(held)
                self.ring(held, free, decisions, now)
        elif agent.state is OFFLINE:
            self.lines.leave(agent)
            del self.agents[agent.agent_id]
        if not told:
            decisions.append(agent.changed())

    # ------------------------------------------------------------ offers

    def ring(self, call: Call, agent: Agent, decisions: list[Decision], now: float) -> None:
        """Offer a call that is in no line."""
        queue = call.queue
        until = now + (self.policy.callback.dial_s if call.callback else queue.ring_limit_s)
        call.offered_to = agent
        call.not_before = None
        self.homes.errors.offered(call.call_id, now)
        self.endings.forget(call.call_id, agent.agent_id)
        self.changed_calls.add(call.call_id)
        offer = Offer(
            call_id=call.call_id,
            agent_id=agent.agent_id,
            ring_until=until,
            callback=call.callback,
            step=call.step,
        )
        if call.media is Media.TEXT:
            call.ring_until = until
            agent.texting += (call.call_id,)
            self.timers.watch_call(call, now)
            self.note(agent)
            self.lines.offer(agent)
            decisions.append(offer)
            return
        if call.callback:
            agent.reserve(call.call_id, queue.name, until, now)
        else:
            agent.ring(call.call_id, queue.name, until, now)
        agent.stamp = 0
        self.timers.watch_agent(agent)
        self.note(agent)
        decisions.append(agent.changed())
        decisions.append(offer)

    def miss(
        self,
        call: Call,
        agent: Agent,
        reason: NotReadyReason,
        how: str,
        decisions: list[Decision],
        now: float,
    ) -> None:
        """An offered call was not taken: the agent is not ready, the call back at its place."""
        if call.media is Media.TEXT:
            agent.texting = tuple(one for one in agent.texting if one != call.call_id)
            if agent.state is not NOT_READY:
                agent.not_ready(reason, now)
        else:
            agent.miss(reason, now)
        call.avoid |= {agent.agent_id}
        if how == RING_LIMIT:
            self.withdraw_from(call, agent, how, decisions)
        else:
            call.offered_to = call.ring_until = None
            self.endings.note(call.call_id, agent.agent_id, how)
        self.settle(agent, decisions, now)
        self.requeue(call, decisions, now)

    def withdraw_from(self, call: Call, agent: Agent, reason: str, decisions: list[Decision]) -> None:
        """Stop the ring."""
        call.offered_to = call.ring_until = None
        self.changed_calls.add(call.call_id)
        self.endings.note(call.call_id, agent.agent_id, reason)
        decisions.append(OfferWithdrawn(call_id=call.call_id, agent_id=agent.agent_id, reason=reason))

    def free(self, call: Call, agent: Agent, decisions: list[Decision], now: float) -> None:
        """Who was offered this call need not take it; the time spent idle still counts."""
        if call.media is Media.TEXT:
            agent.texting = tuple(one for one in agent.texting if one != call.call_id)
        else:
            agent.withdraw(now)
        self.settle(agent, decisions, now)

    def forget_call(self, call: Call, decisions: list[Decision], now: float) -> None:
        """The call waits no more; who rings for it is free."""
        del self.calls[call.call_id]
        self.changed_calls.add(call.call_id)
        agent = call.offered_to
        if agent is None:
            self.unstand(call)
            self.homes.errors.left(call.call_id, now)
        else:
            self.withdraw_from(call, agent, CALLER_GONE, decisions)
            self.free(call, agent, decisions, now)

    def end_talk(self, call_id: str, agent: Agent, decisions: list[Decision], now: float) -> None:
        """A talk, spoken or written, is over."""
        del self.talks[call_id]
        self.endings.note(call_id, agent.agent_id, ENDED)
        self.endings.note(call_id, "", ENDED)
        if call_id in agent.texting:
            agent.texting = tuple(one for one in agent.texting if one != call_id)
            self.settle(agent, decisions, now)
            return
        handled = self.handled(agent)
        agent.end(self.queue_of(agent).wrap_up_s, now)
        if agent.state is WRAP_UP:
            self.timers.watch_agent(agent)
        else:
            self.count_handled(handled, now)
        self.settle(agent, decisions, now)

    # ------------------------------------------------------------ times and notes

    @staticmethod
    def handled(agent: Agent) -> tuple[str, float] | None:
        """Queue and start of the talk that the agent is about to be done with."""
        if agent.state not in (TALKING, WRAP_UP) or agent.queue is None or agent.talk_since is None:
            return None
        return agent.queue, agent.talk_since

    def count_handled(self, handled: tuple[str, float] | None, now: float) -> None:
        """A call is wholly done with."""
        if handled is not None:
            self.times.add(handled[0], max(0.0, now - handled[1]))

    def note(self, agent: Agent) -> None:
        """The agent changed in any way."""
        self.changed_agents.add(agent.agent_id)
        if agent.state is not READY:
            agent.stamp = 0
        if self.lines.serve(agent) and self.lines.preferred(agent):
            self.left.append(agent)

    def queue_of(self, agent: Agent) -> QueuePolicy:
        """The queue that the agent's call came through."""
        return self.queues.get(agent.queue or "") or self.queues[self.policy.default_queue]


def _served(call: Call) -> bool:
    return any(line.serving for line in call.lines)
