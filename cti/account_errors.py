"""What accounts and sign-in refuse (a branch of the tree in `cti.errors`).

Texts are English and name the rule, never a citizen's data; `shown` is Chinese, for the person at the page.
"""

from __future__ import annotations

from cti.errors import HotlineError


class AccountError(HotlineError):
    """Base of what accounts and sign-in refuse; nothing was changed."""

    def __init__(self, message: str, *, shown: str) -> None:
        super().__init__(message)
        self.shown = shown  # Chinese, fit to be shown


class AccountInvalid(AccountError):
    """A value given for an account is not acceptable; `field` names it."""

    def __init__(self, field: str, message: str, *, shown: str) -> None:
        super().__init__(f"{field}: {message}", shown=shown)
        self.field = field


class AccountExists(AccountError):
    """The login, or the extension of an active account, is taken; `field` names which."""

    def __init__(self, field: str) -> None:
        shown = "账号已存在" if field == "login" else "分机号已分配给其他账号"
        super().__init__(f"{field} is taken", shown=shown)
        self.field = field


class AccountUnknown(AccountError):
    """There is no such account."""

    def __init__(self) -> None:
        super().__init__("no such account", shown="账号不存在")


class LoginRefused(AccountError):
    """Login or password is wrong, or the account is not active; which of them is not told."""

    def __init__(self) -> None:
        super().__init__("login refused", shown="账号或密码不正确")


class LoginLocked(AccountError):
    """Too many failures; sign-in is possible again after `retry_after_s` seconds."""

    def __init__(self, retry_after_s: float) -> None:
        minutes = int(retry_after_s // 60) + 1
        super().__init__("too many failures", shown=f"登录失败次数过多，请 {minutes} 分钟后再试")
        self.retry_after_s = retry_after_s


class LoginsBusy(AccountError):
    """More passwords wait to be checked than this server takes on."""

    def __init__(self) -> None:
        super().__init__("too many logins at once", shown="登录人数过多，请稍后再试")
