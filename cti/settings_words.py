"""What the settings are about, in Chinese, for the page that shows them; docs/operations.md says more."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["ABOUT", "SECTIONS"]

SECTIONS: Mapping[str, str] = {
    "": "总体", "web": "页面与接口", "agi": "话务接入", "asterisk": "Asterisk", "agents": "坐席话机",
    "calls": "通话", "callbacks": "回电", "visits": "回访", "recognition": "语音识别", "learning": "分类学习",
    "orders": "工单", "privacy": "个人信息",
}  # fmt: skip
"""first part of a key -> heading"""

ABOUT: Mapping[str, str] = {
    "home": "本实例的文件夹", "cache": "共用的下载文件夹", "name": "本服务器的名称",
    "prefix": "Redis 键的前缀", "redis_url": "Redis 地址；空：自带",
    "database_url": "数据库地址；空：SQLite", "servers": "全部服务器的 FastAGI 地址，按次序",
    "log_level": "日志级别", "trunks": "中继", "web_requests": "流程可用的外部请求",
    "web.host": "监听地址", "web.port": "端口", "web.tls_certificate": "TLS 证书文件",
    "web.tls_key": "TLS 私钥文件", "web.origins": "另外允许的页面来源",
    "web.trusted_proxies": "可信的反向代理地址", "web.page_grace_s": "页面断开多久后视为离席（秒）",
    "agi.host": "监听地址", "agi.port": "端口", "agi.max_calls": "同时通话上限",
    "asterisk.embedded": "自带并管理 Asterisk", "asterisk.bind": "SIP、RTP、WebSocket 监听地址",
    "asterisk.external": "话机看到的地址（NAT 后）", "asterisk.system_name": "自带 Asterisk 的名称",
    "asterisk.sip_port": "SIP 端口", "asterisk.http_port": "浏览器话机的 WebSocket 端口",
    "asterisk.ami_port": "AMI 端口", "asterisk.rtp_first": "媒体端口，起",
    "asterisk.rtp_last": "媒体端口，止",
    "asterisk.manager_permit": "允许使用 AMI 的网段", "asterisk.tls_certificate": "wss 证书文件",
    "asterisk.tls_key": "wss 私钥文件", "asterisk.webrtc_url": "告知浏览器的话机地址",
    "asterisk.nodes": "另外运行的 Asterisk", "agents.extensions": "坐席分机号段",
    "calls.numbers": "被叫号码表文件", "calls.flows": "流程文件夹", "calls.calendar": "日历文件",
    "calls.policy": "路由策略文件", "calls.directory": "转接通讯录文件", "calls.prompts": "语音录音文件夹",
    "calls.announce_every_s": "播报排队位置的间隔（秒）；0：不播", "calls.record": "通话录音",
    "calls.recordings": "录音文件夹", "callbacks.trunk": "回电用的中继",
    "callbacks.caller_id": "回电时显示的号码", "callbacks.area_code": "本地区号",
    "callbacks.ring_s": "回电振铃时长（秒）", "callbacks.tries": "最多拨打次数",
    "callbacks.waits_s": "各次拨打后等多久再拨（秒）", "callbacks.opens": "从几点起回电",
    "callbacks.closes": "到几点止", "callbacks.asked_s": "市民本人要求的，多久内任何时刻可回（秒）",
    "callbacks.keep_s": "保留多久（秒）", "callbacks.automatic": "漏接和放弃的来电自动回电",
    "callbacks.abandoned_s": "短于此的放弃来电不回（秒）",
    "callbacks.automatic_behind_s": "自动回电排在后面多少（秒）",
    "callbacks.automatic_limit_s": "有人等候超过此值时自动回电暂不排队（秒）",
    "visits.enabled": "启用机器人回访", "visits.most_at_once": "同时回访通话数",
    "orders.clocks": "办理时限文件", "orders.workdays": "工作日历文件",
    "orders.supervision": "督办规则文件", "orders.answers": "审核、评价与办结规则文件",
    "retention.enabled": "到期自动删除", "retention.policy": "保留期限规则文件",
    "privacy.policy": "个人信息规则文件", "visits.policy": "回访规则文件",
    "recognition.enabled": "启用实时转写", "recognition.model": "识别模型文件夹",
    "recognition.host": "识别进程监听地址", "recognition.port": "首个端口；0：自动",
    "recognition.processes": "识别进程数；0：每核一个", "recognition.capacity": "每进程路数；0：按实测",
    "recognition.city": "地名库文件", "learning.enabled": "每晚学习分类", "learning.hour": "几点开始学习",
    "learning.least_orders": "至少多少份工单才学习", "learning.keep": "保留几个版本",
    "learning.folder": "模型与分类表文件夹",
}  # fmt: skip
"""key -> what it is"""
