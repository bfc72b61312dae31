import type { Caption } from '@/live/protocol'

import type { CallRecord } from './calls'
import { ask } from './http'
import type { OrderRecord } from './orders'

/** An order that is worked on and may be about what the citizen calls for. */
export interface SameMatter {
  order_id: string
  number: string
  title: string
  at: number
  own: boolean // the same citizen's
  reason: string
  score: number
}

/** Who calls, as it is known before anybody has answered. */
export interface Pop {
  call_id: string
  caller: string
  name: string
  district: string
  place: string
  language: string
  times: number // calls before this one
  today: number
  silent: number
  satisfaction: number | null
  last_agent: string
  nuisance: boolean
  blocked: boolean
  open_orders: number
  urgent: boolean
  said: Caption[] // while waiting
  same_matter: SameMatter[]
  whole: boolean
  calls: CallRecord[]
  orders: OrderRecord[]
}

export function getPop(call_id: string): Promise<Pop> {
  return ask('GET', `/api/calls/${encodeURIComponent(call_id)}/pop`)
}
