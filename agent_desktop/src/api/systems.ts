/** Tokens and webhooks of a city's other systems. */

import { ask } from './http'

export const SCOPES = {
  'calls:read': '读取通话',
  'transcripts:read': '读取转写',
  'orders:read': '读取工单',
  'orders:write': '登记工单',
  'notices:write': '回传短信回复',
  'callbacks:read': '读取回拨',
  'callbacks:write': '登记回拨',
  'figures:read': '读取统计',
} as const
export type Scope = keyof typeof SCOPES

export const KINDS = {
  'call.started': '来电接入',
  'call.answered': '人工接听',
  'call.ended': '通话结束',
  'call.rated': '满意度评价',
  'transcript.ready': '转写完成',
  'callback.created': '新增回拨',
  'callback.done': '回拨完成',
  'callback.given_up': '回拨放弃',
  'callback.withdrawn': '回拨取消',
  'order.submitted': '工单提交',
  'order.discarded': '工单作废',
  'order.visited': '回访结果',
  'order.moved': '工单流转',
  'order.near': '工单临期',
  'order.late': '工单超期',
  'order.gravely_late': '工单严重超期',
  'alert.raised': '告警',
  'topic.raised': '热点预警',
  'alert.cleared': '告警解除',
  'burst.found': '发现群诉',
  'announcement.published': '播报生效',
} as const
export type Kind = keyof typeof KINDS

export interface ApiToken {
  token_id: string
  name: string
  scopes: Scope[]
  per_minute: number
  created_by: string
  created_at: number
  expires_at: number | null
  revoked_at: number | null
  used_at: number | null
  in_force: boolean
}

export interface Webhook {
  webhook_id: string
  title: string
  url: string
  kinds: Kind[]
  active: boolean
  created_by: string
  created_at: number
  tries: number
  next_at: number
  status: string
}

export interface Delivery {
  event_id: number
  kind: Kind
  ref: string
  at: number
  state: 'delivered' | 'failing' | 'dead' | 'again'
  tries: number
  status: string
  told_at: number
}

export async function listTokens(): Promise<ApiToken[]> {
  return (await ask<{ tokens: ApiToken[] }>('GET', '/api/tokens')).tokens
}

export function createToken(body: { name: string; scopes: Scope[]; days: number | null; per_minute: number; reason: string }): Promise<ApiToken & { token: string }> {
  return ask('POST', '/api/tokens', { body })
}

export function revokeToken(token_id: string, reason: string): Promise<ApiToken> {
  return ask('POST', `/api/tokens/${token_id}/revoke`, { body: { reason } })
}

export async function listWebhooks(): Promise<Webhook[]> {
  return (await ask<{ webhooks: Webhook[] }>('GET', '/api/webhooks')).webhooks
}

export function createWebhook(body: { title: string; url: string; kinds: Kind[]; reason: string }): Promise<Webhook & { secret: string }> {
  return ask('POST', '/api/webhooks', { body })
}

export function switchWebhook(webhook_id: string, active: boolean, reason: string): Promise<Webhook> {
  return ask('PATCH', `/api/webhooks/${webhook_id}`, { body: { active, reason } })
}

export async function removeWebhook(webhook_id: string, reason: string): Promise<void> {
  await ask('DELETE', `/api/webhooks/${webhook_id}`, { query: { reason } })
}

export function testWebhook(webhook_id: string): Promise<{ taken: boolean; status: string }> {
  return ask('POST', `/api/webhooks/${webhook_id}/test`)
}

export async function listDeliveries(webhook_id: string): Promise<Delivery[]> {
  return (await ask<{ deliveries: Delivery[] }>('GET', `/api/webhooks/${webhook_id}/deliveries`)).deliveries
}

export async function sendAgain(webhook_id: string, event_id: number): Promise<void> {
  await ask('POST', `/api/webhooks/${webhook_id}/deliveries/${event_id}/again`)
}
