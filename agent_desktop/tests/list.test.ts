import { effectScope, nextTick, ref } from 'vue'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

import { ApiError, type Query } from '@/api/http'
import type { Page } from '@/api/calls'
import { useList, type List } from '@/lists/list'

type Answer = (page: Page<string>) => void

let asked: Array<{ query: Query; answer: Answer; refuse: (problem: unknown) => void }> = []
const scope = { stop: (): void => undefined }

function find(query: Query): Promise<Page<string>> {
  return new Promise((answer, refuse) => asked.push({ query, answer, refuse }))
}

function list(text = ref('')): { list: List<string>; text: typeof text } {
  const own = effectScope()
  scope.stop = () => own.stop()
  return { list: own.run(() => useList(find, () => ({ text: text.value })))!, text }
}

function page(...items: string[]): Page<string> {
  return { items, total: items.length, page: 1, size: 20 }
}

beforeEach(() => {
  asked = []
  vi.useFakeTimers()
})
afterEach(() => {
  scope.stop()
  vi.useRealTimers()
})

describe('a list', () => {
  it('shows the answer to the newest question, whichever comes last', async () => {
    const { list: one } = list()
    void one.load()
    asked[1]?.answer(page('new'))
    asked[0]?.answer(page('old'))
    await vi.runAllTimersAsync()
    expect(one.items.value).toEqual(['new'])
    expect(one.loading.value).toBe(false)
  })

  it('begins at page 1 when something else is looked for, and asks once for a run of typing', async () => {
    const { list: one, text } = list()
    one.page.value = 3
    await nextTick()
    for (const typed of ['路', '路灯', '路灯不亮']) {
      text.value = typed
      await nextTick()
    }
    await vi.runAllTimersAsync()
    expect(asked.map((each) => [each.query.text, each.query.page])).toEqual([
      ['', 1],
      ['', 3],
      ['路灯不亮', 1],
    ])
  })

  it('tells what the server refused and keeps what it showed', async () => {
    const { list: one } = list()
    asked[0]?.answer(page('kept'))
    await vi.runAllTimersAsync()
    void one.load()
    asked[1]?.refuse(new ApiError(0, 'unreachable', '连不上服务器，请检查网络'))
    await vi.runAllTimersAsync()
    expect([one.error.value, one.items.value]).toEqual(['连不上服务器，请检查网络', ['kept']])
  })

  it('asks nothing after the page is left', async () => {
    const { text } = list()
    text.value = '路灯'
    await nextTick()
    scope.stop()
    await vi.runAllTimersAsync()
    expect(asked).toHaveLength(1)
  })
})
