/** By what the list of orders is narrowed in its address, and how the server is asked for it. */

import type { Query } from '@/api/http'

export const ORDER_KEYS = ['state', 'course', 'lead', 'category', 'district', 'channel', 'due', 'supervised', 'since', 'until', 'mine'] as const
export type OrderKey = (typeof ORDER_KEYS)[number]
export const DUE: Record<string, string> = { near: '临期', late: '超期' }
export const CHANNELS: Record<string, string> = { phone: '电话', video: '视频（手语）', text: '文字会话', web: '网页表单', portal: '政务门户', app: '小程序', mailbox: '市长信箱', transfer: '其他热线转办', import: '批量导入' }

export function orderQuery(filters: Partial<Record<OrderKey, string>>, login: string): Query {
  const { due, mine, ...rest } = filters
  const query: Query = { ...rest }
  if (due === 'late') query.late = 'true'
  if (due === 'near') Object.assign(query, { near: 'true', in_time: 'true' })
  if (mine === '1') query.agent = login
  return query
}
