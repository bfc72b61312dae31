"""The HTTP and WebSocket API, and the files of the desk."""

from cti.web.app import make_app
from cti.web.pages import PageHub
from cti.web.ports import IceServer, JournalState, OrderDesk, PhoneAccount, WebDeps

__all__ = ["IceServer", "JournalState", "OrderDesk", "PageHub", "PhoneAccount", "WebDeps", "make_app"]
