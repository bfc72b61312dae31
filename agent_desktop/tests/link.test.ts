import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

import { CommandFailed, Link, type LinkState } from '@/live/link'
import type { ServerMessage } from '@/live/protocol'

import { FakeSocket } from './socket'

const heard: ServerMessage[] = []
const states: LinkState[] = []
let link: Link

beforeEach(() => {
  vi.useFakeTimers()
  FakeSocket.all = []
  heard.length = states.length = 0
  vi.stubGlobal('WebSocket', FakeSocket)
  vi.stubGlobal('window', {
    setTimeout, clearTimeout, setInterval, clearInterval,
    addEventListener: () => undefined, removeEventListener: () => undefined,
  })
  link = new Link('ws://desk/api/ws', {
    message: (message) => heard.push(message),
    state: (state) => states.push(state),
    refused: () => Promise.resolve(true),
  })
})

afterEach(() => {
  link.stop()
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

function newest(): FakeSocket {
  return FakeSocket.all.at(-1) as FakeSocket
}

/** The page is connected and has its snapshot, number 1. */
function connected(): FakeSocket {
  link.start()
  const socket = newest()
  socket.opens()
  socket.says(1, 'snapshot', { page: 'p1' })
  return socket
}

/** The line broke, the pause is over: the socket of the next try. */
async function nextTry(): Promise<FakeSocket> {
  const before = FakeSocket.all.length
  await vi.advanceTimersByTimeAsync(15_000)
  expect(FakeSocket.all.length).toBe(before + 1)
  return newest()
}

const types = () => heard.map((message) => message.type)

describe('a page that lost its line', () => {
  it('names itself and its newest message, and goes on without a snapshot', async () => {
    const first = connected()
    first.says(2, 'notice')
    first.breaks()
    const again = await nextTry()
    expect(again.url).toBe('ws://desk/api/ws?page=p1&seq=2')
    again.opens()
    again.says(3, 'notice')
    expect(states.at(-1)).toBe('connecting')
    again.says(4, 'resumed', { page: 'p1', missed: 1 })
    expect(states.at(-1)).toBe('open')
    expect(types()).toEqual(['snapshot', 'notice', 'notice', 'resumed'])
    expect(again.asked).toEqual([])
  })

  it('takes a snapshot where the server does not know it any more, with the number that has', async () => {
    connected().breaks()
    const again = await nextTry()
    again.opens()
    again.says(1, 'snapshot', { page: 'p2' })
    again.says(2, 'notice')
    expect(types()).toEqual(['snapshot', 'snapshot', 'notice'])
    again.breaks()
    expect((await nextTry()).url).toBe('ws://desk/api/ws?page=p2&seq=2')
  })

  it('begins anew after it was stopped: another person may have signed in', () => {
    connected()
    link.stop()
    link.start()
    expect(newest().url).toBe('ws://desk/api/ws')
  })

  it('tells a command under way that it may not have arrived', async () => {
    const socket = connected()
    const asked = link.send({ type: 'ready' }).catch((error: unknown) => error)
    socket.breaks()
    expect(await asked).toMatchObject({ reached: false })
    expect(await asked).toBeInstanceOf(CommandFailed)
  })
})

describe('a missing number', () => {
  it('lets the page ask for a snapshot and show nothing until it is there', () => {
    const socket = connected()
    socket.says(3, 'notice')
    socket.says(4, 'notice')
    expect(socket.asked).toEqual(['resync'])
    expect(types()).toEqual(['snapshot'])
    socket.says(5, 'snapshot', { page: 'p1' })
    socket.says(6, 'notice')
    expect(types()).toEqual(['snapshot', 'snapshot', 'notice'])
  })

  it('does not keep a command from its reply', async () => {
    const socket = connected()
    const asked = link.send({ type: 'ready' }, 'mine')
    socket.says(7, 'reply', { ref: 'mine', ok: true, error: '' })
    await expect(asked).resolves.toBeUndefined()
    expect(socket.asked).toEqual(['ready', 'resync'])
  })

  it('is a reason to begin with a snapshot when the line breaks before it came', async () => {
    const socket = connected()
    socket.says(3, 'notice')
    socket.breaks()
    expect((await nextTry()).url).toBe('ws://desk/api/ws')
  })
})

describe('numbers', () => {
  it('go on after a snapshot in the middle of the stream', () => {
    const socket = connected()
    socket.says(2, 'notice')
    socket.says(3, 'snapshot', { page: 'p1' })
    socket.says(4, 'notice')
    expect(socket.asked).toEqual([])
    expect(types()).toEqual(['snapshot', 'notice', 'snapshot', 'notice'])
  })

  it('are told to the server with each ping, so that it need not keep what was seen', async () => {
    const socket = connected()
    socket.says(2, 'notice')
    await vi.advanceTimersByTimeAsync(15_000)
    expect(socket.sent.at(-1)).toMatchObject({ type: 'ping', seen: 2 })
  })
})
