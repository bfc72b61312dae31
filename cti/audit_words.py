"""What the trail's acts are called in Chinese, and to which group of the filter each belongs.

Every act that is written into the trail stands here; a test looks through the code for acts without words.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

__all__ = ["ACTS", "GROUPS", "act_title", "acts_of"]

_WORDS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "班长操作": {
            "supervise_listen": "监听",
            "supervise_whisper": "耳语",
            "supervise_barge": "强插",
            "supervise_takeover": "接管",
            "supervise_leave": "退出监听或强插",
            "supervise_end": "强拆通话",
            "supervise_move": "转移排队来电",
            "supervise_state": "调整坐席状态",
            "supervise_skills": "临时调整技能",
        },
        "配置": {
            "edition_published": "发布配置",
            "alert_rule_changed": "修改告警规则",
            "alert_rule_removed": "删除告警规则",
            "alert_rules_shipped": "载入默认告警规则",
            "template_changed": "修改工单模板",
            "unit_rule_put": "修改派单规则",
            "unit_rule_removed": "删除派单规则",
            "unit_rules_imported": "导入派单规则",
            "units_imported": "导入承办单位",
            "number_blocked": "登记来电名单",
            "number_unblocked": "移出来电名单",
            "quality_sheet_published": "发布质检评分表",
            "quality_rules_published": "发布质检抽检规则",
        },
        "账号": {
            "account_created": "新建账号",
            "account_changed": "修改账号",
            "password_changed": "修改自己的密码",
            "sessions_ended": "强制退出登录",
        },
        "生效与拒绝": {
            "flows_changed": "流程生效",
            "flows_refused": "流程文件被拒",
            "policy_changed": "策略生效",
            "policy_refused": "策略文件被拒",
            "cases_changed": "工单规则生效",
            "cases_refused": "工单规则被拒",
        },
        "登录": {"signed_in": "登录", "login_locked": "登录锁定"},
        "查看与导出": {
            "recording_played": "听录音",
            "message_played": "听留言",
            "transcript_exported": "导出转写",
            "attachment_read": "下载附件",
            "unmasked": "查看完整信息",
            "changes_exported": "导出变更记录",
            "breaks_exported": "导出未达标来电",
            "report_kept": "留存报表",
            "orders_file_downloaded": "下载导出的工单",
        },
        "通话与回拨": {
            "transcript_corrected": "更正转写",
            "emergency_handover": "移交紧急服务",
            "callback_created": "登记回拨",
            "callback_taken": "领取回拨",
            "callback_given_up": "放弃回拨",
            "callback_settled": "办结回拨",
            "visits_planned": "安排回访",
            "visit_cancelled": "取消回访",
            "visit_recorded": "登记回访结果",
            "visits_paused": "暂停自动回访",
            "visits_resumed": "恢复自动回访",
        },
        "告警与公告": {
            "alert_acknowledged": "确认告警",
            "bulletin_published": "发布公告",
            "bulletin_withdrawn": "撤下公告",
            "announcement_proposed": "拟定来电播报",
            "announcement_recorded": "录制来电播报",
            "announcement_approved": "批准来电播报",
            "announcement_withdrawn": "撤下来电播报",
            "burst_open": "恢复群诉提示",
            "burst_noticed": "群诉已发公告",
            "burst_announced": "群诉已设播报",
            "burst_dismissed": "忽略群诉提示",
            "burst_orders_linked": "关联群诉工单",
            "burst_orders_merged": "合并群诉工单",
            "burst_mergers_undone": "撤销群诉工单合并",
        },
        "工单": {
            "intake_accepted": "受理登记",
            "intake_discarded": "作废登记",
            "attachment_added": "添加附件",
            "attachment_removed": "移除附件",
            "attachment_infected": "附件有病毒，已隔离",
            "rated_by_message": "短信评价",
            "reply_kept": "收到短信回复",
            "reply_read": "阅读短信回复",
            "notice_again": "重发告知",
            "notice_closed": "了结告知",
            "order_held": "暂停到期删除",
            "order_released": "恢复到期删除",
            "data_erased": "到期删除个人信息",
            "orders_verified": "校验全部工单",
            "orders_sealed": "封存工单",
            "orders_imported": "导入工单",
            "assessment_frozen": "冻结考核月份",
            "theme_begun": "立项专题",
            "theme_closed": "结束专题",
        },
        "知识库": {
            "knowledge_proposed": "提出知识修改",
            "knowledge_published": "发布知识",
            "knowledge_approved": "采纳知识修改",
            "knowledge_refused": "不采纳知识修改",
            "knowledge_imported": "导入知识",
            "knowledge_judged": "评价知识",
        },
        "质检": {
            "quality_pick": "抽取质检",
            "quality_take": "领取质检",
            "quality_release": "退回质检",
            "quality_score": "质检评分",
            "quality_accept": "认可评分",
            "quality_appeal": "质检申诉",
            "quality_rule": "裁定质检申诉",
            "quality_drop": "撤销质检",
            "quality_calibration": "发起评分校准",
        },
        "接口": {
            "token_created": "新建令牌",
            "token_revoked": "吊销令牌",
            "webhook_created": "新建推送",
            "webhook_paused": "暂停推送",
            "webhook_resumed": "恢复推送",
            "webhook_removed": "删除推送",
            "webhook_sent_again": "重发推送",
        },
    }
)

GROUPS = tuple(_WORDS)
"""Groups of the filter, in the order in which they are offered."""
ACTS: Mapping[str, str] = MappingProxyType(
    {act: title for group in _WORDS.values() for act, title in group.items()}
)
"""Act -> what people call it."""


def act_title(act: str) -> str:
    """Return what people call an act; one that a later version wrote is shown as it is."""
    return ACTS.get(act, act)


def acts_of(group: str) -> tuple[str, ...]:
    """Return the acts of a group of the filter, () for no such group."""
    return tuple(_WORDS.get(group, ()))
