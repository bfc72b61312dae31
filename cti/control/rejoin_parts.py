"""What agents' telephones need of call control, put together: the way back into a talk, and how it sounds."""

from __future__ import annotations

from cti.ami import AmiNodes
from cti.control.call_quality import CallQuality
from cti.control.calls import Calls
from cti.control.desk_phone import DeskPhones
from cti.control.floor import CallFloor
from cti.control.people import People
from cti.control.phone_policy import answers_itself
from cti.control.phones import Phones
from cti.control.rejoining import Rejoining
from cti.control.sharing import Sharing
from cti.control.telephony import Telephony
from cti.messages import AnswerPhone, HangUpPhone, HoldPhone, Rejoin, ReportQuality
from cti.ports import Pages
from cti.settings import Settings


def compose(
    settings: Settings,
    *,
    sharing: Sharing,
    calls: Calls,
    telephony: Telephony,
    nodes: AmiNodes,
    phones: Phones,
    people: People,
    pages: Pages,
    floor: CallFloor,
) -> Rejoining:
    """Make it; `start` it after the calls have been restored, and give it AMI events before `sharing`."""
    rejoining = Rejoining(
        calls=calls,
        telephony=telephony,
        rooms=sharing.rooms,
        events=sharing.events,
        phones=phones,
        people=people,
        pages=pages,
        link=nodes.link,
        limit_s=round(settings.agents.rejoin_s),
    )
    desk = DeskPhones(
        calls=calls, telephony=telephony, rooms=sharing.rooms, events=sharing.events, link=nodes.link
    )
    for command in (AnswerPhone, HangUpPhone, HoldPhone):
        floor.handlers[command] = desk.carry_out
    agents = settings.agents
    telephony.answers_itself = answers_itself(agents.auto_answer_queues, agents.auto_answer_people)
    telephony.on_leg_ended = rejoining.vanished
    sharing.recovery.on_agent_back = rejoining.joined
    floor.handlers[Rejoin] = rejoining.asked
    floor.handlers[ReportQuality] = CallQuality(calls).reported
    return rejoining
