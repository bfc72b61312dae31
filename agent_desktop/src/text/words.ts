/** Chinese words for everything the protocol names. */

import type { AgentState, CallState, NotReadyReason, OrderState, Outcome, PartyState, Role, SupervisionKind, TargetKind } from '@/live/protocol'

export const ROLES: Record<Role, string> = { agent: '坐席', supervisor: '班长', admin: '管理员', listener: '领导旁听', clerk: '派单员', unit: '承办单位', leader: '领导', auditor: '审计员' }

export const AGENT_STATES: Record<AgentState, string> = {
  offline: '离线',
  not_ready: '示忙',
  ready: '示闲',
  ringing: '振铃',
  talking: '通话',
  wrap_up: '整理',
  reserved: '预占（正在回拨市民）',
}

export const REASONS: Record<NotReadyReason, string> = {
  signed_in: '刚签入',
  rest: '小休',
  meal: '用餐',
  training: '培训',
  meeting: '会议',
  other: '其他',
  missed_ring: '漏接来电',
  refused: '拒接来电',
  phone_lost: '话机未注册',
  lost: '连接丢失',
}

/** Reasons an agent may choose. */
export const CHOSEN_REASONS: readonly NotReadyReason[] = ['rest', 'meal', 'training', 'meeting', 'other']

export const CALL_STATES: Record<CallState, string> = {
  incoming: '呼入',
  in_flow: '语音导航',
  waiting: '排队',
  ringing: '振铃',
  talking: '通话中',
  held: '保持',
  consulting: '咨询中',
  wrap_up: '整理',
  survey: '满意度评价',
  ended: '已结束',
}

export const OUTCOMES: Record<Outcome, string> = {
  answered: '已接听',
  served: '自助办结',
  abandoned_in_flow: '导航中挂机',
  abandoned_waiting: '排队中挂机',
  failed: '系统故障',
}

export const ORDER_STATES: Record<OrderState, string> = { draft: '草稿', accepted: '已受理', discarded: '已作废', merged: '已并单' }

export const SATISFACTION: Record<number, string> = { 1: '非常不满意', 2: '不满意', 3: '一般', 4: '满意', 5: '非常满意' }

export const DISCARD_REASONS: readonly string[] = ['骚扰电话', '拨错号码', '无声电话', '重复来电', '市民挂机未说明诉求']

export const PARTY_STATES: Record<PartyState, string> = { ringing: '振铃', consulting: '单独咨询', talking: '通话', held: '听音乐' }

export const TARGET_KINDS: Record<TargetKind, string> = { agent: '坐席', queue: '队列', unit: '单位', service: '服务', external: '外线' }

export const SUPERVISIONS: Record<SupervisionKind, string> = { listen: '监听', whisper: '耳语', barge: '强插', takeover: '接管' }

/** Why a supervisor does something, to choose from; anything else may be written. */
export const FLOOR_REASONS: readonly string[] = ['话务高峰', '市民要求', '坐席求助', '情绪激烈', '紧急事项', '辅导新人', '恶意占线', '长时间未操作']
