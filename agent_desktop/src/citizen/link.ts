/** The citizen's WebSocket: says who it is, comes back by itself, and tells when it is over for good. */

import type { CitizenMessage, GuestMessage } from '@/live/protocol'
import { backoff } from '@/live/backoff'

export interface Told {
  message(message: CitizenMessage): void
  open(open: boolean): void
  over(): void // the token is nobody's any more
}

const GONE = 4401
const PING_MS = 25_000

export class CitizenLink {
  private socket: WebSocket | null = null
  private tries = 0
  private heard = false // on this connection
  private timer = 0
  private ping = 0
  private stopped = false

  constructor(
    private readonly url: string,
    private readonly token: string,
    private readonly told: Told,
  ) {}

  start(): void {
    window.addEventListener('online', this.hurry)
    this.connect()
  }

  stop(): void {
    this.stopped = true
    window.removeEventListener('online', this.hurry)
    window.clearTimeout(this.timer)
    window.clearInterval(this.ping)
    this.socket?.close()
  }

  /** Say something; false when nobody can hear it now. */
  say(message: GuestMessage): boolean {
    if (this.socket?.readyState !== WebSocket.OPEN) return false
    this.socket.send(JSON.stringify(message))
    return true
  }

  private readonly hurry = (): void => {
    if (this.stopped || this.socket !== null) return
    window.clearTimeout(this.timer)
    this.connect()
  }

  private connect(): void {
    const socket = new WebSocket(this.url)
    this.socket = socket
    socket.addEventListener('open', () => socket.send(JSON.stringify({ type: 'hello', ref: '', token: this.token })))
    socket.addEventListener('message', ({ data }) => {
      if (!this.heard) this.opened()
      this.told.message(JSON.parse(String(data)) as CitizenMessage)
    })
    socket.addEventListener('close', ({ code }) => this.closed(code))
  }

  private opened(): void {
    this.heard = true
    this.tries = 0
    window.clearInterval(this.ping)
    this.ping = window.setInterval(() => this.say({ type: 'guest_ping', ref: '' }), PING_MS)
    this.told.open(true)
  }

  private closed(code: number): void {
    window.clearInterval(this.ping)
    this.socket = null
    this.heard = false
    if (this.stopped) return
    this.told.open(false)
    if (code === GONE) return this.told.over()
    this.tries += 1
    this.timer = window.setTimeout(() => this.connect(), 1000 * backoff(this.tries, Math.random(), 8))
  }
}
