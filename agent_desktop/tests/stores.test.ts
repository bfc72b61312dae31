import { createPinia, setActivePinia } from 'pinia'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

import type { AgentView, HealthView } from '@/live/protocol'
import { Ringer } from '@/phone/ringer'
import { useBulletins } from '@/stores/bulletins'
import { useLive } from '@/stores/live'
import { useTexts } from '@/stores/texts'

import { aCall, aSnapshot } from './samples'
import { FakeSocket } from './socket'

const me: AgentView = {
  type: 'agent_view', agent_id: 'li', name: '李', role: 'agent', extension: '8001', state: 'ready', since: 1, skills: {}, phone_registered: true, team: '',
}
const health: HealthView = { type: 'health_view', redis: true, database: true, asterisk: {}, captions: true, captions_reason: '', refused: [] }

/** The server says first how everything stands. */
function told(): FakeSocket {
  useLive().start()
  const socket = FakeSocket.all[0] as FakeSocket
  socket.opens()
  const { type, ...first } = aSnapshot({
    me, health,
    text_calls: [aCall({ call_id: 'text-1', media: 'text' })],
    texts: [{ type: 'text_line', call_id: 'text-1', line_id: 'c-1', by: 'citizen', name: '', text: '路灯不亮', at: 1 }],
    bulletins: [{ bulletin_id: 'b1', title: '维护', text: '系统维护', by_name: '', since: 1, urgent: false }],
  })
  socket.says(1, type, first)
  return socket
}

/** What a browser keeps, by key. */
function aStorage(): { kept: Map<string, string> } & Pick<Storage, 'getItem' | 'setItem' | 'removeItem'> {
  const kept = new Map<string, string>()
  return { kept, getItem: (key) => kept.get(key) ?? null, setItem: (key, text) => void kept.set(key, text), removeItem: (key) => void kept.delete(key) }
}

beforeEach(() => {
  FakeSocket.all = []
  vi.useFakeTimers()
  vi.stubGlobal('sessionStorage', aStorage())
  vi.stubGlobal('localStorage', aStorage())
  vi.stubGlobal('WebSocket', FakeSocket)
  vi.stubGlobal('location', { protocol: 'https:', host: 'desk' })
  vi.stubGlobal('window', {
    setTimeout: (...of: Parameters<typeof setTimeout>) => setTimeout(...of), clearTimeout: (of: number) => clearTimeout(of),
    setInterval: (...of: Parameters<typeof setInterval>) => setInterval(...of), clearInterval: (of: number) => clearInterval(of),
    addEventListener: () => undefined, removeEventListener: () => undefined,
  })
  setActivePinia(createPinia())
})
afterEach(() => {
  useLive().stop()
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

describe('a part of the page that comes after the first word of the server', () => {
  it('finds the conversations that go on', () => {
    told()
    const texts = useTexts()
    expect(texts.all.map((one) => one.call.call_id)).toEqual(['text-1'])
    expect(texts.texts.lines['text-1']?.map((line) => line.text)).toEqual(['路灯不亮'])
  })

  it('finds the notices in force', () => {
    told()
    expect(useBulletins().all.map((one) => one.bulletin_id)).toEqual(['b1'])
  })
})

describe('a conversation', () => {
  it('is put in front, and counts what comes meanwhile as unread only while it is not', () => {
    const socket = told()
    const texts = useTexts()
    const says = (seq: number, line_id: string): void =>
      socket.says(seq, 'text_line', { call_id: 'text-1', line_id, by: 'citizen', name: '', text: '还是不亮', at: seq })
    says(2, 'c-2')
    expect(texts.all[0]?.unread).toBe(1)
    texts.show('text-1')
    says(3, 'c-3')
    expect(texts.all[0]?.unread).toBe(0)
    expect(texts.front?.call.call_id).toBe('text-1')
  })

  it('is forgotten with the person who signs out', () => {
    told()
    const texts = useTexts()
    useLive().stop()
    expect(texts.all).toEqual([])
  })
})

describe('what an agent writes to a citizen', () => {
  const said = (socket: FakeSocket): Record<string, unknown>[] => socket.sent.filter((one) => one.type === 'say_text' && one.final !== false)
  const growing = (socket: FakeSocket): unknown[] => socket.sent.filter((one) => one.type === 'say_text' && one.final === false).map((one) => [one.call_id, one.text])
  /** One more conversation of this desk. */
  function second(socket: FakeSocket): void {
    const { type, ...call } = aCall({ call_id: 'text-2', media: 'text' })
    socket.says(2, type, call)
  }

  it('stays with its conversation, and the right citizen sees it grow', async () => {
    const socket = told()
    second(socket)
    const texts = useTexts()
    texts.show('text-1')
    texts.write('text-1', '请问您')
    texts.show('text-2') // before the first citizen was told
    texts.write('text-2', '马上')
    await vi.advanceTimersByTimeAsync(300)
    expect([texts.unsaid('text-1'), texts.unsaid('text-2')]).toEqual(['请问您', '马上'])
    expect(growing(socket)).toEqual([['text-1', '请问您'], ['text-2', '马上']])
  })

  it('is there after the page was loaded anew, and gone when the agent signs out', async () => {
    told()
    useTexts().write('text-1', '请问您')
    await vi.advanceTimersByTimeAsync(0)
    setActivePinia(createPinia())
    expect(useTexts().unsaid('text-1')).toBe('请问您')
    useTexts().forget()
    setActivePinia(createPinia())
    expect(useTexts().unsaid('text-1')).toBe('')
  })

  it('is forgotten when the conversation has left the desk', async () => {
    const socket = told()
    const texts = useTexts()
    texts.write('text-1', '请问您')
    const { type, ...call } = aCall({ call_id: 'text-1', media: 'text', state: 'ended' })
    socket.says(2, type, call)
    await vi.advanceTimersByTimeAsync(0)
    expect(texts.unsaid('text-1')).toBe('')
  })

  it('is the same line when it is sent again after no answer came', async () => {
    const socket = told()
    const texts = useTexts()
    texts.write('text-1', '好的 ')
    const first = texts.say('text-1')
    socket.says(2, 'reply', { ref: said(socket)[0]?.ref, ok: false, error: '请再试' })
    expect([await first, texts.unsaid('text-1')]).toEqual([false, '好的 '])
    const again = texts.say('text-1')
    socket.says(3, 'reply', { ref: said(socket)[1]?.ref, ok: true })
    expect([await again, texts.unsaid('text-1')]).toEqual([true, ''])
    const [one, two] = said(socket)
    expect(two?.line_id).toBe(one?.line_id)
    texts.write('text-1', '好的')
    void texts.say('text-1')
    expect(said(socket)[2]?.line_id).not.toBe(one?.line_id)
  })
})

describe('a citizen who wants to write', () => {
  it('rings as often as a caller until taken, and more quietly in a talk', async () => {
    const rung: string[] = []
    vi.spyOn(Ringer.prototype, 'wake').mockResolvedValue(true)
    vi.spyOn(Ringer.prototype, 'burst').mockImplementation(() => void rung.push('ring'))
    vi.spyOn(Ringer.prototype, 'beep').mockImplementation(() => void rung.push('beep'))
    const at = vi.spyOn(Ringer.prototype, 'at').mockResolvedValue()
    const outputs = ['desk', 'room'].map((deviceId) => ({ deviceId, kind: 'audiooutput', label: deviceId }))
    vi.stubGlobal('navigator', { mediaDevices: { addEventListener: () => undefined, enumerateDevices: () => Promise.resolve(outputs) } })
    localStorage.setItem('hotline.devices', JSON.stringify({ ring: 'desk', second: 'room' }))
    const socket = told()
    const texts = useTexts()
    const becomes = (seq: number, state: 'ringing' | 'talking'): void => {
      const { type, ...call } = aCall({ call_id: 'text-2', media: 'text', state })
      socket.says(seq, type, call)
    }
    becomes(2, 'ringing')
    await vi.advanceTimersByTimeAsync(10_100)
    expect(rung).toEqual(['ring', 'ring', 'ring'])
    expect(at).toHaveBeenLastCalledWith('desk', 'room')
    expect(texts.ringing.map((one) => one.call.call_id)).toEqual(['text-2'])
    socket.says(3, 'agent_view', { ...me, state: 'talking' })
    await vi.advanceTimersByTimeAsync(100)
    becomes(4, 'talking')
    await vi.advanceTimersByTimeAsync(20_000)
    expect(rung).toEqual(['ring', 'ring', 'ring', 'beep'])
  })

  it('is turned to and away from by one key, the spoken call in between', () => {
    const socket = told()
    const { type, ...call } = aCall({ call_id: 'text-2', media: 'text' })
    socket.says(2, type, call)
    const texts = useTexts()
    const turned = [1, 2, 3].map(() => {
      texts.turn()
      return texts.front?.call.call_id ?? ''
    })
    expect(turned).toEqual(['text-1', 'text-2', ''])
  })
})
