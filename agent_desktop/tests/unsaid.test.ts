import { describe, expect, it } from 'vitest'

import { confirmed, lineId, only, readHalves, tried, written, type Halves } from '@/live/unsaid'

const id = (): string => 'fresh'

describe('what an agent has half written', () => {
  it('stays with its conversation', () => {
    const both = written(written({}, 'a', '请问您'), 'b', '马上为您')
    expect([both.a?.text, both.b?.text]).toEqual(['请问您', '马上为您'])
  })

  it('is sent again under the id of the try that was not confirmed', () => {
    const once = tried(written({}, 'a', '好的'), 'a', '好的', 'one')
    expect(lineId(once, 'a', '好的', id)).toBe('one')
  })

  it('is another line when the words were changed after that try', () => {
    const changed = written(tried(written({}, 'a', '好的'), 'a', '好的', 'one'), 'a', '好的，请稍等')
    expect(lineId(changed, 'a', '好的，请稍等', id)).toBe('fresh')
    expect(lineId(written(changed, 'a', '好的'), 'a', '好的', id)).toBe('one')
  })

  it('is another line when the same words are said once more', () => {
    const over = confirmed(tried(written({}, 'a', '好的'), 'a', '好的', 'one'), 'a', '好的')
    expect(lineId(written(over, 'a', '好的'), 'a', '好的', id)).toBe('fresh')
  })

  it('keeps what was typed while the line was on its way', () => {
    const meanwhile = written(tried(written({}, 'a', '好的'), 'a', '好的', 'one'), 'a', '好的\n还有')
    expect(confirmed(meanwhile, 'a', '好的').a?.text).toBe('还有')
  })

  it('is forgotten with the calls that have left the desk', () => {
    expect(only(written(written({}, 'a', '一'), 'b', '二'), ['b'])).toEqual(written({}, 'b', '二'))
  })

  it('is read back as it was kept, and nothing else is', () => {
    const halves: Halves = tried(written({}, 'a', '好的'), 'a', '好的', 'one')
    expect(readHalves(JSON.stringify(halves))).toEqual(halves)
    for (const kept of [null, '', '[', '7', '{"a":1}', '{"a":{"text":7}}', JSON.stringify({ a: { text: 'x'.repeat(2001), line_id: '', tried: '' } })]) {
      expect(readHalves(kept)).toEqual({})
    }
  })
})
