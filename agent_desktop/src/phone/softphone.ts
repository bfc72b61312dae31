/** The shell around JsSIP: turns its events into those of `machine`, and the agent's wishes into SIP. */

import { C, UA, WebSocketInterface } from 'jssip'
import type { IncomingRTCSessionEvent, RTCSessionEvent } from 'jssip/lib/UA'
import type { RTCSession } from 'jssip/lib/RTCSession'

import { closeMicrophone, MicrophoneError, microphonePermission, openMicrophone } from './microphone'
import type { PhoneEvent } from './machine'

export interface PhoneAccount {
  extension: string
  password: string
  ws_url: string
  sip_domain: string
  ice_servers: RTCIceServer[]
}

export interface SoftphoneEvents {
  happened(event: PhoneEvent): void
  microphone(error: MicrophoneError | null): void
  audioBlocked(blocked: boolean): void
  silent(silent: boolean): void // no audio path to Asterisk although the call is up
}

const REGISTER_EXPIRES_S = 60
const REGISTER_AGAIN_MS = 15_000 // after a refusal: Asterisk may only have been busy or reloading
const CANDIDATES_MS = 300
const PATH_MS = 4000 // an audio path that is not there by then will not come by itself
const BUSY_HERE = 486 // the server takes it as refused by a person; other codes as a phone that is gone
const TONE_MS = 120

/** A WebSocket that can be told to be dead, so that JsSIP connects anew after the network changed. */
class DroppableSocket extends WebSocketInterface {
  drop(): void {
    this.disconnect()
    this.ondisconnect(true)
  }
}

export class Softphone {
  private readonly socket: DroppableSocket
  private readonly ua: UA
  private readonly audio = new Audio()
  private session: RTCSession | null = null
  private microphone: MediaStream | null = null
  private again: number | null = null
  private stopped = false
  private unsaid: RTCSession | null = null // hung up while the line was down: Asterisk has to be told

  constructor(
    private readonly account: PhoneAccount,
    private readonly events: SoftphoneEvents,
  ) {
    this.audio.autoplay = true
    this.socket = new DroppableSocket(account.ws_url)
    this.ua = new UA({
      sockets: [this.socket],
      uri: `sip:${account.extension}@${account.sip_domain}`,
      authorization_user: account.extension,
      password: account.password,
      register: true,
      register_expires: REGISTER_EXPIRES_S,
      session_timers: false,
      connection_recovery_min_interval: 1,
      connection_recovery_max_interval: 10,
      user_agent: 'hotline desk',
    })
    this.ua.on('connected', () => {
      this.tell({ kind: 'connected' })
      if (this.unsaid !== null && !this.unsaid.isEnded()) this.unsaid.terminate()
      this.unsaid = null
    })
    this.ua.on('disconnected', () => this.tell({ kind: 'disconnected', reason: '连不上电话服务器，正在重试' }))
    this.ua.on('registered', () => this.tell({ kind: 'registered' }))
    this.ua.on('registrationFailed', ({ cause }) => this.registrationFailed(cause ?? ''))
    this.ua.on('newRTCSession', (event: RTCSessionEvent) => this.newSession(event))
  }

  start(): void {
    window.addEventListener('online', this.networkChanged)
    this.ua.start()
  }

  stop(): void {
    this.stopped = true
    if (this.again !== null) window.clearTimeout(this.again)
    window.removeEventListener('online', this.networkChanged)
    this.ua.stop()
    this.releaseMedia()
  }

  async answer(): Promise<void> {
    const session = this.session
    if (session === null) return
    this.tell({ kind: 'answer', at: Date.now() })
    try {
      this.microphone ??= await openMicrophone()
    } catch (error) {
      if (!(error instanceof MicrophoneError)) throw error
      this.events.microphone(error)
      if (this.session === session) this.tell({ kind: 'answer_failed', at: Date.now() })
      return
    }
    this.events.microphone(null)
    if (this.session !== session || session.isEnded()) return this.releaseMedia()
    session.answer({
      mediaStream: this.microphone,
      mediaConstraints: { audio: true, video: false },
      pcConfig: { iceServers: this.account.ice_servers },
    })
  }

  hangUp(): void {
    const session = this.session
    if (session === null || session.isEnded()) return
    const ringing = session.isInProgress()
    this.tell({ kind: 'hang_up', at: Date.now() })
    if (!this.ua.isConnected()) {
      this.unsaid = session
      this.releaseMedia()
      return
    }
    session.terminate(ringing ? { status_code: BUSY_HERE } : {})
  }

  toggleHold(): void {
    if (!this.session?.isEstablished()) return
    if (this.session.isOnHold().local) this.session.unhold()
    else this.session.hold()
  }

  toggleMute(): void {
    if (!this.session?.isEstablished()) return
    if (this.session.isMuted().audio) this.session.unmute({ audio: true })
    else this.session.mute({ audio: true })
  }

  /** Send one key, as RFC 4733 telephone events; false where there is no audio path to carry them. */
  press(tone: string): boolean {
    if (!this.session?.isEstablished()) return false
    const sender = this.session.connection.getSenders().find((one) => one.track?.kind === 'audio')
    if (!sender?.dtmf?.canInsertDTMF) return false
    this.session.sendDTMF(tone, { duration: TONE_MS, transportType: C.DTMF_TRANSPORT.RFC2833 })
    return true
  }

  /** A click was made: try again to play the other side. */
  async unblockAudio(): Promise<void> {
    await this.play()
  }

  readonly networkChanged = (): void => {
    if (!this.stopped) this.socket.drop()
  }

  /** Identity of the present call, to tell later whether it is still the same. */
  get sessionId(): string | null {
    return this.session?.id ?? null
  }

  private tell(event: PhoneEvent): void {
    if (!this.stopped) this.events.happened(event)
  }

  private registrationFailed(cause: string): void {
    if (cause === C.causes.CONNECTION_ERROR) return // 'disconnected' tells it
    if (cause === C.causes.REQUEST_TIMEOUT) {
      this.socket.drop() // the line looks open but nobody is there
      return
    }
    const wrong = cause === C.causes.AUTHENTICATION_ERROR || cause === C.causes.REJECTED
    const reason = wrong ? '分机号或密码不被电话服务器接受，请联系管理员' : `电话服务器拒绝注册（${cause}）`
    this.tell({ kind: 'refused', reason })
    if (this.again !== null) window.clearTimeout(this.again)
    this.again = window.setTimeout(() => {
      if (!this.stopped && this.ua.isConnected() && !this.ua.isRegistered()) this.ua.register()
    }, REGISTER_AGAIN_MS)
  }

  private newSession(event: RTCSessionEvent): void {
    if (String(event.originator) !== 'remote') return
    const session = (event as IncomingRTCSessionEvent).session
    if (this.session !== null) {
      session.terminate({ status_code: BUSY_HERE })
      return
    }
    this.session = session
    this.tell({ kind: 'incoming', caller: session.remote_identity.uri.user, at: Date.now() })
    session.on('peerconnection', ({ peerconnection }) => {
      const look = (): void => {
        if (this.session === session) this.events.silent(peerconnection.connectionState !== 'connected')
      }
      peerconnection.addEventListener('connectionstatechange', () => {
        if (['connected', 'disconnected', 'failed'].includes(peerconnection.connectionState)) look()
      })
      window.setTimeout(look, PATH_MS)
      peerconnection.addEventListener('track', ({ track, streams }) => {
        this.audio.srcObject = streams[0] ?? new MediaStream([track])
        void this.play()
      })
    })
    let patience: number | null = null
    session.on('icecandidate', ({ ready }) => {
      // Waiting for every candidate would delay the answer by seconds where a STUN server is out of reach.
      patience ??= window.setTimeout(ready, CANDIDATES_MS)
    })
    session.on('accepted', () => this.tell({ kind: 'talking', at: Date.now() }))
    session.on('hold', ({ originator }) => this.tell({ kind: 'held', by: side(originator) }))
    session.on('unhold', ({ originator }) => this.tell({ kind: 'unheld', by: side(originator) }))
    session.on('muted', () => this.tell({ kind: 'muted', on: true }))
    session.on('unmuted', () => this.tell({ kind: 'muted', on: false }))
    session.on('failed', ({ originator, cause }) => this.gone(session, failure(originator, cause)))
    session.on('ended', () => this.gone(session, ''))
    void this.warmUp(session)
  }

  /** Open the microphone while it rings, if that asks the agent nothing, so that answering is immediate. */
  private async warmUp(session: RTCSession): Promise<void> {
    if ((await microphonePermission()) !== 'granted') return
    try {
      const stream = await openMicrophone()
      if (this.session === session && this.microphone === null) this.microphone = stream
      else closeMicrophone(stream)
    } catch (error) {
      if (!(error instanceof MicrophoneError)) throw error
      this.events.microphone(error)
    }
  }

  private gone(session: RTCSession, reason: string): void {
    if (this.session !== session) return
    this.session = null
    this.releaseMedia()
    this.tell({ kind: 'gone', reason, at: Date.now() })
  }

  private releaseMedia(): void {
    closeMicrophone(this.microphone)
    this.microphone = null
    this.audio.srcObject = null
    this.events.audioBlocked(false)
    this.events.silent(false)
  }

  private async play(): Promise<void> {
    try {
      await this.audio.play()
      this.events.audioBlocked(false)
    } catch (error) {
      if (error instanceof DOMException && error.name === 'NotAllowedError') this.events.audioBlocked(true)
      else if (!(error instanceof DOMException && error.name === 'AbortError')) throw error
    }
  }
}

function side(originator: string): 'us' | 'other' {
  return originator === 'local' ? 'us' : 'other'
}

function failure(originator: string, cause: string): string {
  if (cause === C.causes.CANCELED) return '市民已挂机或来电已转走'
  if (originator === 'local') return ''
  if (cause === C.causes.WEBRTC_ERROR) return '语音通道建立失败，请检查网络或联系管理员'
  return `通话中断（${cause}）`
}
