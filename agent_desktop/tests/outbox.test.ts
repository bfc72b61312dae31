import { describe, expect, it } from 'vitest'

import type { DraftView } from '@/live/protocol'
import { confirmed, drafted, key, refused, restored, sent, STALE_MS, typed, unanswered, waiting, type Outbox } from '@/order/outbox'

import { aField } from './samples'

const PLACE = key('o1', 'place')

function draft(place: string, order_id = 'o1'): DraftView {
  return { type: 'draft_view', order_id, call_id: 'c1', version: 2, state: 'draft', fields: { place: aField({ value: place }) }, links: [] }
}
function inFlight(): Outbox {
  return sent(typed({}, 'o1', 'place', '江北小学', 5), PLACE, 'r1')
}

describe('an edit', () => {
  it('waits until it is sent, then until the server answers', () => {
    const box = typed({}, 'o1', 'place', '江北小学', 5)
    expect(waiting(box)).toHaveLength(1)
    expect(waiting(sent(box, PLACE, 'r1'))).toHaveLength(0)
  })

  it('is gone when the server has it and its draft shows it', () => {
    expect(confirmed(inFlight(), 'r1', draft('江北小学'))).toEqual({})
  })

  it('stays in view between the reply and the draft, so that the field does not jump back', () => {
    const box = confirmed(inFlight(), 'r1', draft('旧的'))
    expect(box[PLACE]?.value).toBe('江北小学')
    expect(drafted(box, draft('江北小学'))).toEqual({})
  })

  it('of an order that is no longer on the desk ends with its reply', () => {
    expect(confirmed(inFlight(), 'r1', draft('x', 'o2'))).toEqual({})
  })

  it('that was typed over is not ended by the reply to the older one', () => {
    const box = typed(inFlight(), 'o1', 'place', '江北小学门口', 6)
    expect(confirmed(box, 'r1', draft('江北小学'))).toEqual(box)
    expect(refused(box, 'r1', '不行')).toEqual(box)
  })

  it('that is refused keeps the text and says why', () => {
    const box = refused(inFlight(), 'r1', '工单已不是草稿')
    expect(box[PLACE]).toMatchObject({ status: 'refused', value: '江北小学', error: '工单已不是草稿' })
    expect(waiting(box)).toHaveLength(0)
  })

  it('whose line broke is sent again', () => {
    expect(waiting(unanswered(inFlight())).map(([which]) => which)).toEqual([PLACE])
  })

  it('of another field is left alone by a missing answer', () => {
    const box = sent(typed(inFlight(), 'o1', 'time', '昨天', 6), key('o1', 'time'), 'r2')
    expect(waiting(unanswered(box, 'r2')).map(([which]) => which)).toEqual([key('o1', 'time')])
  })
})

describe('what the browser kept', () => {
  it('is sent again after a crash', () => {
    expect(waiting(restored(JSON.stringify(inFlight()), 10))).toHaveLength(1)
  })

  it('is shown instead of sent when it is too old to be trusted', () => {
    const box = restored(JSON.stringify(inFlight()), 5 + STALE_MS + 1)
    expect(box[PLACE]?.status).toBe('refused')
  })

  it('does not bring back what the server has', () => {
    expect(restored(JSON.stringify(confirmed(inFlight(), 'r1', draft('旧的'))), 10)).toEqual({})
  })

  it.each(['', '{"o1/pla', '12', 'null'])('is nothing when it reads %j', (text) => {
    expect(restored(text, 10)).toEqual({})
  })
})
