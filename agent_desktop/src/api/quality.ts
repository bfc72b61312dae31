import type { OrderField } from '@/live/protocol'

import { ask, type Query } from './http'

export interface FieldCounts {
  right: number
  corrected: number
  missed: number
  not_needed: number
  second: number
  precision: number | null
  recall: number | null
}

export interface FieldAccuracy {
  field: OrderField
  title: string
  counts: FieldCounts
  sources: Array<{ source: string; counts: FieldCounts }>
}

export interface AccuracyReport {
  since: number
  until: number | null
  orders: number
  total: number
  newest_max: number
  formula: { precision: string; recall: string }
  fields: FieldAccuracy[]
}

export function getFieldAccuracy(query: Query): Promise<AccuracyReport> {
  return ask('GET', '/api/quality/fields', { query })
}
