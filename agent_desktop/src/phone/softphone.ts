/** The shell around JsSIP: turns its events into those of `machine`, and the agent's wishes into SIP. */

import { C, UA, WebSocketInterface } from 'jssip'
import type { IncomingRTCSessionEvent, RTCSessionEvent } from 'jssip/lib/UA'
import type { RTCSession } from 'jssip/lib/RTCSession'

import type { PhoneEvent } from './machine'
import { CallMedia, type MediaEvents } from './media'
import { MicrophoneError, microphonePermission } from './microphone'
import { NOTHING, offered, type Offered } from './offer'

export interface PhoneAccount {
  extension: string
  password: string
  ws_url: string
  sip_domain: string
  ice_servers: RTCIceServer[]
}

export interface SoftphoneEvents extends MediaEvents {
  happened(event: PhoneEvent): void
  offered(offer: Offered): void // a call comes in: told before 'incoming' happens
  microphone(error: MicrophoneError | null): void
  silent(silent: boolean): void // no audio path to Asterisk although the call is up
  connection(connection: RTCPeerConnection | null): void // to be measured; null when the call is over
}

/** What is asked for anew at every call. */
export interface SoftphoneChoices {
  microphone(): string // device id, "" the system's
  speaker(): string
  video(): MediaTrackConstraints | null // the camera that is sent when a call with video is answered, null: none
}

const REGISTER_EXPIRES_S = 60
const REGISTER_AGAIN_MS = 15_000 // after a refusal: Asterisk may only have been busy or reloading
const CANDIDATES_MS = 40 // after the first one; those of this machine come together
const PATH_MS = 4000 // an audio path that is not there by then will not come by itself
const BUSY_HERE = 486 // the server takes it as refused by a person; other codes as a phone that is gone
const TONE_MS = 120
const HEAL_MS = 1500 // a broken path may heal by itself; then new candidates are offered

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
  private readonly media: CallMedia
  private session: RTCSession | null = null
  private offer: Offered = NOTHING
  private again: number | null = null
  private stopped = false
  private moved = false // the network changed: the audio path has to be looked for again
  private unsaid: RTCSession | null = null // hung up while the line was down: Asterisk has to be told

  constructor(
    private readonly account: PhoneAccount,
    private readonly events: SoftphoneEvents,
    private readonly choices: SoftphoneChoices,
  ) {
    this.media = new CallMedia(events)
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
    this.ua.on('registered', () => {
      this.tell({ kind: 'registered' })
      if (this.moved) this.findPath()
    })
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
    this.release()
  }

  async answer(): Promise<void> {
    const session = this.session
    if (session === null) return
    this.tell({ kind: 'answer', at: Date.now() })
    let stream: MediaStream
    try {
      stream = await this.openMicrophone()
    } catch (error) {
      if (!(error instanceof MicrophoneError)) throw error
      this.events.microphone(error)
      if (this.session === session) this.tell({ kind: 'answer_failed', at: Date.now() })
      return
    }
    this.events.microphone(null)
    if (this.session !== session || session.isEnded()) return this.release()
    this.media.told()
    session.answer({
      mediaStream: stream,
      mediaConstraints: { audio: true, video: stream.getVideoTracks().length > 0 },
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
      this.release()
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
    await this.media.play()
  }

  /** The chosen devices are others now, or one of them is gone. Throws MicrophoneError. */
  async devicesChanged(): Promise<void> {
    await this.media.hearAt(this.choices.speaker())
    if (this.session?.isEstablished()) await this.media.change(this.choices.microphone(), this.session.connection)
  }

  readonly networkChanged = (): void => {
    if (this.stopped) return
    this.moved = this.session !== null
    this.socket.drop()
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
    const { session, request } = event as IncomingRTCSessionEvent
    const offer = offered(request)
    if (this.session !== null && offer.rejoin !== '') this.forget(this.session) // that leg is dead on the other side
    if (this.session !== null) {
      session.terminate({ status_code: BUSY_HERE })
      return
    }
    this.session = session
    this.offer = offer
    this.events.offered(offer)
    this.tell({ kind: 'incoming', caller: session.remote_identity.uri.user, at: Date.now() })
    session.on('peerconnection', ({ peerconnection }) => this.watch(session, peerconnection))
    let patience: number | null = null
    session.on('icecandidate', ({ ready }) => {
      // Waiting for every candidate would delay the answer by seconds where a STUN server is out of reach.
      patience ??= window.setTimeout(ready, CANDIDATES_MS)
    })
    session.on('accepted', () => this.tell({ kind: 'talking', at: Date.now() }))
    session.on('hold', ({ originator }) => this.mine(session) && this.tell({ kind: 'held', by: side(originator) }))
    session.on('unhold', ({ originator }) => this.mine(session) && this.tell({ kind: 'unheld', by: side(originator) }))
    session.on('muted', () => this.tell({ kind: 'muted', on: true }))
    session.on('unmuted', () => this.tell({ kind: 'muted', on: false }))
    session.on('failed', ({ originator, cause }) => this.gone(session, failure(originator, cause)))
    session.on('ended', () => this.gone(session, ''))
    void this.warmUp(session)
  }

  private watch(session: RTCSession, connection: RTCPeerConnection): void {
    const look = (): void => {
      if (this.mine(session)) this.events.silent(connection.connectionState !== 'connected')
    }
    connection.addEventListener('connectionstatechange', () => {
      const state = connection.connectionState
      if (['connected', 'disconnected', 'failed'].includes(state)) look()
      if (state === 'failed') this.findPath()
      if (state === 'disconnected') {
        window.setTimeout(() => this.mine(session) && connection.connectionState === 'disconnected' && this.findPath(), HEAL_MS)
      }
    })
    window.setTimeout(look, PATH_MS)
    connection.addEventListener('track', ({ track, streams }) => this.media.arrived(streams[0] ?? new MediaStream([track])))
    this.events.connection(connection)
    void this.media.hearAt(this.choices.speaker())
  }

  /** Offer new candidates for the call in hand: the network has changed under it. */
  private findPath(): void {
    const session = this.session
    if (session === null || !session.isEstablished() || !this.ua.isRegistered()) return
    this.moved = false
    session.renegotiate({ rtcOfferConstraints: { iceRestart: true } })
  }

  private mine(session: RTCSession): boolean {
    return this.session === session
  }

  /** Open the microphone while it rings, if that asks the agent nothing, so that answering is immediate. */
  private async warmUp(session: RTCSession): Promise<void> {
    if ((await microphonePermission()) !== 'granted') return
    try {
      await this.openMicrophone()
      if (this.session === null) this.media.release()
    } catch (error) {
      if (!(error instanceof MicrophoneError)) throw error
      if (this.mine(session)) this.events.microphone(error)
    }
  }

  private openMicrophone(): Promise<MediaStream> {
    return this.media.open(this.choices.microphone(), this.offer.video ? this.choices.video() : null)
  }

  /** Let go of a session that the other side no longer knows. */
  private forget(session: RTCSession): void {
    this.gone(session, '')
    if (!session.isEnded()) session.terminate()
  }

  private gone(session: RTCSession, reason: string): void {
    if (!this.mine(session)) return
    this.session = null
    this.release()
    this.tell({ kind: 'gone', reason, at: Date.now() })
  }

  private release(): void {
    this.media.release()
    this.moved = false
    this.events.connection(null)
    this.events.silent(false)
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
