/** One call of a citizen over WebRTC: placed once, ended once. */

import { UA, WebSocketInterface } from 'jssip'
import type { RTCSession } from 'jssip/lib/RTCSession'

import { closeMicrophone } from '@/phone/microphone'

import type { GuestAccount } from './api'

export interface CallEvents {
  up(): void // the hotline has answered: the citizen is in line
  remote(stream: MediaStream): void
  ended(reason: string): void // '' for an ordinary end
}

const CANDIDATES_MS = 300

export class CitizenCall {
  private readonly ua: UA
  private session: RTCSession | null = null
  private over = false

  constructor(
    private readonly account: GuestAccount,
    private readonly stream: MediaStream,
    private readonly video: boolean,
    private readonly events: CallEvents,
  ) {
    this.ua = new UA({
      sockets: [new WebSocketInterface(account.ws_url)],
      uri: `sip:${account.user}@${account.sip_domain}`,
      authorization_user: account.user,
      password: account.password,
      register: false,
      session_timers: false,
      user_agent: 'hotline citizen',
    })
    this.ua.on('connected', () => this.place())
    this.ua.on('disconnected', () => this.session === null && this.end('连不上通话服务器，请检查网络后重试'))
  }

  start(): void {
    this.ua.start()
  }

  hangUp(): void {
    if (this.session !== null && !this.session.isEnded()) this.session.terminate()
    this.end('')
  }

  /** Send (or keep back) voice and picture. */
  send(kind: 'audio' | 'video', on: boolean): void {
    for (const track of this.stream.getTracks()) if (track.kind === kind) track.enabled = on
  }

  private place(): void {
    if (this.session !== null) return
    const session = this.ua.call(`sip:${this.account.target}@${this.account.sip_domain}`, {
      mediaStream: this.stream,
      mediaConstraints: { audio: true, video: this.video },
      pcConfig: { iceServers: this.account.ice_servers },
    })
    this.session = session
    let patience: number | null = null
    session.on('icecandidate', ({ ready }) => {
      patience ??= window.setTimeout(ready, CANDIDATES_MS)
    })
    session.connection.addEventListener('track', ({ streams, track }) => this.events.remote(streams[0] ?? new MediaStream([track])))
    session.on('accepted', () => this.events.up())
    session.on('failed', () => this.end('没有接通，请重试或拨打 12345'))
    session.on('ended', () => this.end(''))
  }

  private end(reason: string): void {
    if (this.over) return
    this.over = true
    closeMicrophone(this.stream)
    this.ua.stop()
    this.events.ended(reason)
  }
}
