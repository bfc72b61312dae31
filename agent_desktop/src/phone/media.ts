/** The sound of one call: the agent's microphone (and camera) out, the citizen into the chosen ear. */

import { closeMicrophone, openMicrophone } from './microphone'

export interface MediaEvents {
  media(local: MediaStream | null, remote: MediaStream | null): void // both null when the call is over
  audioBlocked(blocked: boolean): void
  fellBack(device: 'microphone' | 'speaker'): void // the chosen one is gone: the system's is in use
}

/** A media element whose output can be chosen; not in every browser. */
type Sink = HTMLAudioElement & { setSinkId?: (device: string) => Promise<void> }

export class CallMedia {
  private readonly audio: Sink = new Audio()
  private local: MediaStream | null = null
  private opening: Promise<MediaStream> | null = null
  private remote: MediaStream | null = null

  constructor(private readonly events: MediaEvents) {
    this.audio.autoplay = true
  }

  get microphone(): MediaStream | null {
    return this.local
  }

  /** Open the microphone unless it is open; throws MicrophoneError. */
  async open(device: string, video: MediaTrackConstraints | null): Promise<MediaStream> {
    if (this.local !== null) return this.local
    this.opening ??= openMicrophone(device, video)
    const opening = this.opening
    try {
      const stream = await opening
      if (this.opening === opening) this.use(stream)
      else if (this.local !== stream) closeMicrophone(stream) // released meanwhile
      return stream
    } finally {
      if (this.opening === opening) this.opening = null
    }
  }

  private use(stream: MediaStream): void {
    this.local = stream
    const pulled = (): void => {
      if (this.local === stream) this.events.fellBack('microphone')
    }
    for (const track of stream.getAudioTracks()) track.addEventListener('ended', pulled)
  }

  /** The microphone is in use from now on. */
  told(): void {
    this.events.media(this.local, this.remote)
  }

  arrived(stream: MediaStream): void {
    this.remote = stream
    this.audio.srcObject = stream
    this.told()
    void this.play()
  }

  /** Another microphone in the middle of a call; the system's where that one is gone. Throws MicrophoneError. */
  async change(device: string, connection: RTCPeerConnection): Promise<void> {
    const before = this.local
    if (before === null) return
    const fresh = await openMicrophone(device)
    const track = fresh.getAudioTracks()[0]
    const old = before.getAudioTracks()[0]
    if (track === undefined) return
    this.local = null // the old one's end is no news now
    track.enabled = old?.enabled ?? true
    const sender = connection.getSenders().find((one) => one.track?.kind === 'audio')
    await sender?.replaceTrack(track)
    if (connection.connectionState === 'closed') return closeMicrophone(fresh)
    old?.stop()
    this.use(new MediaStream([track, ...before.getVideoTracks()]))
    this.told()
  }

  /** Let the other side be heard there; the system's where that device is gone. */
  async hearAt(device: string): Promise<void> {
    if (this.audio.setSinkId === undefined) return
    try {
      await this.audio.setSinkId(device)
    } catch (error) {
      if (!(error instanceof DOMException)) throw error
      await this.audio.setSinkId('')
      this.events.fellBack('speaker')
    }
  }

  async play(): Promise<void> {
    try {
      await this.audio.play()
      this.events.audioBlocked(false)
    } catch (error) {
      if (error instanceof DOMException && error.name === 'NotAllowedError') this.events.audioBlocked(true)
      else if (!(error instanceof DOMException && error.name === 'AbortError')) throw error
    }
  }

  release(): void {
    closeMicrophone(this.local)
    this.local = null
    this.opening = null
    this.remote = null
    this.audio.srcObject = null
    this.events.media(null, null)
    this.events.audioBlocked(false)
  }
}

