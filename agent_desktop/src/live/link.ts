/**
 * The desk's WebSocket: reconnects with back-off, notices a dead line, gives each command its reply.
 *
 * Every message has a number. Over a new connection the server sends what was missed since the last one, or a
 * snapshot; where a number is missing, the page asks for a snapshot and shows nothing further until it is there.
 */

import { backoff } from './backoff'
import type { Command, Numbered, PageMessage, Reply, ServerMessage } from './protocol'

export type LinkState = 'off' | 'connecting' | 'open' | 'lost'

export class CommandFailed extends Error {
  /** `reached` is false where the command may not have arrived at all. */
  constructor(
    message: string,
    readonly reached: boolean,
  ) {
    super(message)
  }
}

export interface LinkEvents {
  message(message: ServerMessage): void
  state(state: LinkState, retryAt: number | null): void // retryAt: our epoch milliseconds of the next try
  refused(): Promise<boolean> // a connection could not be made: true when it is worth trying again
}

const PING_EVERY_MS = 15_000
const SILENCE_MS = 8_000
const REPLY_MS = 10_000
const CLOSED_BY_US = 4000

interface Pending {
  resolve: () => void
  reject: (error: CommandFailed) => void
  timer: number
}

export class Link {
  private socket: WebSocket | null = null
  private wanted = false
  private attempt = 0
  private retry: number | null = null
  private pinger: number | null = null
  private silence: number | null = null
  private count = 0
  private page = '' // our id, as the last snapshot said
  private seen = 0 // number of the newest message
  private whole = false // no message is missing
  private readonly tag = Math.random().toString(36).slice(2, 8)
  private readonly pending = new Map<string, Pending>()

  constructor(
    private readonly url: string,
    private readonly events: LinkEvents,
  ) {}

  start(): void {
    if (this.wanted) return
    this.wanted = true
    window.addEventListener('online', this.hurry)
    this.open()
  }

  stop(): void {
    this.wanted = false
    this.page = '' // whoever signs in next begins anew
    window.removeEventListener('online', this.hurry)
    if (this.retry !== null) window.clearTimeout(this.retry)
    this.retry = null
    this.drop()
    this.events.state('off', null)
  }

  /** Try now instead of at the end of the pause. */
  readonly hurry = (): void => {
    if (!this.wanted || this.retry === null) return
    window.clearTimeout(this.retry)
    this.retry = null
    this.open()
  }

  nextRef(): string {
    this.count += 1
    return `${this.tag}-${this.count}`
  }

  get isOpen(): boolean {
    return this.socket?.readyState === WebSocket.OPEN
  }

  /**
   * Send one command and wait for its reply.
   *
   * Throws CommandFailed with the server's Chinese sentence, or with `reached` false when the line is down or silent.
   */
  send(command: Command, ref: string = this.nextRef()): Promise<void> {
    const socket = this.socket
    if (socket === null || socket.readyState !== WebSocket.OPEN) {
      return Promise.reject(new CommandFailed('连接中断，操作没有送达', false))
    }
    return new Promise((resolve, reject) => {
      const timer = window.setTimeout(() => {
        this.pending.delete(ref)
        reject(new CommandFailed('服务器没有应答，请稍后再试', false))
      }, REPLY_MS)
      this.pending.set(ref, { resolve, reject, timer })
      socket.send(JSON.stringify({ ...command, ref } as PageMessage))
    })
  }

  private open(): void {
    this.events.state('connecting', null)
    const back = this.page !== '' && this.whole
    const socket = new WebSocket(back ? `${this.url}?page=${this.page}&seq=${this.seen}` : this.url)
    this.socket = socket
    socket.onopen = () => {
      this.pinger = window.setInterval(() => this.ping(), PING_EVERY_MS)
      this.expectLife()
    }
    socket.onmessage = (event: MessageEvent<string>) => this.received(event.data)
    socket.onclose = () => {
      if (this.socket === socket) void this.closed()
    }
  }

  private received(text: string): void {
    this.alive()
    const message = JSON.parse(text) as Numbered
    if (message.type === 'snapshot') {
      this.page = message.page
      this.whole = true
    } else if (this.whole && message.seq !== this.seen + 1) {
      this.whole = false
      this.send({ type: 'resync' }).catch(() => undefined) // a line that breaks now brings a snapshot, too
    }
    this.seen = message.seq
    if (message.type === 'reply') this.answered(message)
    if (!this.whole) return // what follows a hole means nothing without what is missing
    if (message.type === 'snapshot' || message.type === 'resumed') this.attempt = 0
    this.events.message(message)
    if (message.type === 'snapshot' || message.type === 'resumed') this.events.state('open', null)
  }

  private answered(reply: Reply): void {
    const waiting = this.pending.get(reply.ref)
    if (waiting === undefined) return
    this.pending.delete(reply.ref)
    window.clearTimeout(waiting.timer)
    if (reply.ok) waiting.resolve()
    else waiting.reject(new CommandFailed(reply.error || '操作没有成功', true))
  }

  private ping(): void {
    this.expectLife()
    this.send({ type: 'ping', seen: this.whole ? this.seen : 0 }).catch(() => undefined) // silence is what `expectLife` is for
  }

  private expectLife(): void {
    if (this.silence !== null) return
    this.silence = window.setTimeout(() => {
      this.silence = null
      this.drop()
      void this.closed()
    }, SILENCE_MS)
  }

  private alive(): void {
    if (this.silence !== null) window.clearTimeout(this.silence)
    this.silence = null
  }

  private drop(): void {
    const socket = this.socket
    this.socket = null
    this.tidy()
    if (socket !== null) {
      socket.onclose = socket.onmessage = socket.onopen = null
      socket.close(CLOSED_BY_US)
    }
  }

  private tidy(): void {
    if (this.pinger !== null) window.clearInterval(this.pinger)
    this.pinger = null
    this.alive()
    for (const waiting of this.pending.values()) {
      window.clearTimeout(waiting.timer)
      waiting.reject(new CommandFailed('连接中断，操作没有送达', false))
    }
    this.pending.clear()
  }

  private async closed(): Promise<void> {
    this.socket = null
    this.tidy()
    if (!this.wanted) return
    this.attempt += 1
    const pause = backoff(this.attempt, Math.random()) * 1000
    this.events.state('lost', Date.now() + pause)
    // A browser does not say why a WebSocket was refused; an HTTP question does (signed out, server gone).
    const again = await this.events.refused()
    if (!this.wanted || !again || this.socket !== null || this.retry !== null) return
    this.retry = window.setTimeout(() => {
      this.retry = null
      this.open()
    }, pause)
  }
}
