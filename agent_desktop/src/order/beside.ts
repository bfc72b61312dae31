/** What is told inside a field's box of a further value: the exact moment beside the words, the point of a place. Pure. */

import type { DraftView, OrderField } from '@/live/protocol'

import { percent, sourceText } from './source'

export interface Beside {
  name: OrderField // the further field
  text: string // short, inside the box
  title: string // whole
  doubtful: boolean // the agent has changed the field it was made of
}

const PARTNERS: Partial<Record<OrderField, OrderField>> = { time: 'time_iso', place: 'point' }

/** What stands beside `name`; null when there is nothing. */
export function beside(name: OrderField, fields: DraftView['fields']): Beside | null {
  const partner = PARTNERS[name]
  const view = partner === undefined ? undefined : fields[partner]
  if (partner === undefined || view === undefined || view.value === '') return null
  const doubtful = view.filler === 'machine' && fields[name]?.filler === 'agent'
  const how = view.filler === 'agent' ? '坐席填写' : `${sourceText(view.source)}，把握 ${percent(view.confidence)}`
  const what = partner === 'point' ? `坐标 ${view.value}` : `发生时刻 ${view.value}`
  const warning = doubtful ? '。左边已由坐席修改，请核对' : ''
  return { name: partner, text: partner === 'point' ? '有坐标' : moment(view.value), title: `${what}（${how}）${warning}`, doubtful }
}

/** "2026-11-21T08:05:00+08:00" becomes "11-21 08:05", "2026-11-21" "11-21", anything else stays. */
function moment(iso: string): string {
  const found = /^\d{4}-(\d{2}-\d{2})(?:[T ](\d{2}:\d{2}))?/.exec(iso)
  return found === null ? iso.slice(0, 16) : [found[1], found[2]].filter(Boolean).join(' ')
}
