/** What came without a call and waits to be accepted (待受理). */

import type { OrderField } from '@/live/protocol'

import type { Counts, Page } from './calls'
import { ask, type Query } from './http'
import type { OrderRecord } from './orders'

export type Waiting = OrderRecord & { channel: string }

export async function findWaiting(query: Query): Promise<Page<Waiting>> {
  const { orders, ...rest } = await ask<Counts & { orders: Waiting[] }>('GET', '/api/intake', { query })
  return { ...rest, items: orders }
}

/** Accept what waits, with what was changed; 409 when somebody else was quicker. */
export function acceptWaiting(order: Waiting, fields: Partial<Record<OrderField, string>>, key: string): Promise<Waiting> {
  return ask('POST', `/api/intake/${encodeURIComponent(order.order_id)}/accept`, { body: { version: order.version, fields }, key })
}

export function discardWaiting(order_id: string, reason: string): Promise<Waiting> {
  return ask('POST', `/api/intake/${encodeURIComponent(order_id)}/discard`, { body: { reason } })
}
