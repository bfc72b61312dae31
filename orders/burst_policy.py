"""How many callers make a wave: data, read from a YAML file."""

from __future__ import annotations

from pathlib import Path

import msgspec
import yaml

from orders.bursts import BurstPolicy
from orders.errors import OrderError

__all__ = ["SHIPPED", "BurstPolicyError", "load_burst_policy"]

SHIPPED = Path(__file__).parent / "data" / "bursts.yaml"
MAX_BYTES = 20_000


class BurstPolicyError(OrderError):
    """A policy file that cannot be used; nothing of it is taken."""

    def __init__(self, file: str, problem: str) -> None:
        super().__init__(f"{file}: {problem}", shown="集中诉求策略文件有误，请查看服务器日志")


def load_burst_policy(file: Path) -> BurstPolicy:
    """Read and check the whole file.

    Raises:
        BurstPolicyError: naming file, key and what is wrong.
    """
    try:
        raw = file.read_bytes()
    except OSError as error:
        raise BurstPolicyError(file.name, f"cannot be read ({error.strerror})") from error
    if len(raw) > MAX_BYTES:
        raise BurstPolicyError(file.name, f"{len(raw)} bytes; keep it under {MAX_BYTES}")
    try:
        data = yaml.safe_load(raw.decode("utf-8"))
        return msgspec.convert(data if data is not None else {}, BurstPolicy)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise BurstPolicyError(file.name, f"not valid YAML: {str(error)[:200]}") from None
    except msgspec.ValidationError as error:
        raise BurstPolicyError(file.name, str(error)[:200]) from None
