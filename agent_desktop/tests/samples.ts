/** Messages with everything filled in that a test does not speak of. */

import type { CallView, Caption, FieldView, Snapshot } from '@/live/protocol'

export function aCall(more: Partial<CallView> = {}): CallView {
  return {
    type: 'call_view', call_id: 'c1', caller: '13800000000', called: '12345', state: 'talking', queue: '', queue_title: '', started: 1, agent_id: 'li',
    visit_id: '', about_order: '', parties: [], writers: [], media: 'voice', text_only: false, district: '', urgency: '', mood: '', ...more,
  }
}
export function aLine(more: Partial<Caption> = {}): Caption {
  return {
    type: 'caption', call_id: 'c1', line_id: 'l1', speaker: 'citizen', text: '话', start: 0, end: 1, final: true, verbatim: '', repairs: [], gap: '', marked: false, ...more,
  }
}
export function aField(more: Partial<FieldView> = {}): FieldView {
  return { value: '', filler: 'agent', source: 'agent:li', confidence: 1, quote: '', at: 0, ...more }
}
export function aSnapshot(more: Pick<Snapshot, 'me' | 'health'> & Partial<Snapshot>): Snapshot {
  return {
    type: 'snapshot', queues: { type: 'queues_view', queues: [] }, captions: [], more_drafts: [], advice: [], server_time: 0, bulletins: [], messages: [],
    text_calls: [], texts: [], text_drafts: [], text_advice: [], page: '', ...more,
  }
}
