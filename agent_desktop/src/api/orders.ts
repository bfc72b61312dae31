import type { FieldView, OrderField, OrderLinkView, OrderState } from '@/live/protocol'

import type { Counts, Page } from './calls'
import { ask, type Query } from './http'

/** One work order as kept in the database. */
export interface OrderRecord {
  order_id: string
  number: string // 工单编号, "" before it is submitted
  call_id: string
  caller: string
  agent: string
  state: OrderState
  version: number
  created_at: number
  updated_at: number
  closed_at: number | null
  reason: string
  fields: Partial<Record<OrderField, FieldView>>
  links: OrderLinkView[]
}

export async function findOrders(query: Query): Promise<Page<OrderRecord>> {
  const { orders, ...rest } = await ask<Counts & { orders: OrderRecord[] }>('GET', '/api/orders', { query })
  return { ...rest, items: orders }
}

export function getOrder(order_id: string): Promise<OrderRecord & { recording_url: string | null }> {
  return ask('GET', path(order_id))
}

/** Change fields of an order; `version` is the one the agent was looking at. 409 when somebody was quicker. */
export function editOrder(
  order_id: string,
  version: number,
  fields: Partial<Record<OrderField, string>>,
): Promise<OrderRecord> {
  return ask('PATCH', `${path(order_id)}/fields`, { body: { version, fields } })
}

/** `key` names this wish to submit: asked twice, it is done once. */
export function submitOrder(order_id: string, key: string): Promise<OrderRecord> {
  return ask('POST', `${path(order_id)}/submit`, { key })
}

/** Relate two orders; each is told of the other. */
export function linkOrders(order_id: string, other: string): Promise<OrderRecord> {
  return ask('POST', `${path(order_id)}/links`, { body: { other } })
}

export function unlinkOrders(order_id: string, other: string): Promise<OrderRecord> {
  return ask('DELETE', `${path(order_id)}/links/${encodeURIComponent(other)}`)
}

/** Close a draft as another order's matter; the citizen is added there. */
export function mergeOrder(order_id: string, into: string): Promise<OrderRecord> {
  return ask('POST', `${path(order_id)}/merge`, { body: { into } })
}

export function undoMerge(order_id: string): Promise<OrderRecord> {
  return ask('POST', `${path(order_id)}/merge/undo`)
}

function path(order_id: string): string {
  return `/api/orders/${encodeURIComponent(order_id)}`
}
