/** The ring: 450 Hz, one second on, four off, as Chinese telephones ring back; made here, so no file to load. */

const HERTZ = 450
const ON_S = 1
const CYCLE_MS = 5000
const BEEP_HERTZ = 1000
const BEEP_S = 0.2
const LOUDNESS = 0.25

/** A sound output that can be chosen; not in every browser. */
type Output = AudioContext & { setSinkId?: (device: string) => Promise<void> }

/** One loudspeaker or headset. */
class Voice {
  private context: Output | null = null
  private at = ''
  private tone: OscillatorNode | null = null

  constructor(private device: string) {}

  async wake(): Promise<boolean> {
    this.context ??= new AudioContext() as Output
    await this.turn()
    if (this.context.state === 'suspended') await this.context.resume()
    return this.audible
  }

  get audible(): boolean {
    return this.context?.state === 'running'
  }

  async move(device: string): Promise<void> {
    this.device = device
    await this.turn()
  }

  sound(hertz: number, seconds: number): void {
    if (this.context?.state !== 'running') return
    const now = this.context.currentTime
    const tone = this.context.createOscillator()
    const gain = this.context.createGain()
    tone.frequency.value = hertz
    gain.gain.setValueAtTime(0, now)
    gain.gain.linearRampToValueAtTime(LOUDNESS, now + 0.02)
    gain.gain.setValueAtTime(LOUDNESS, now + seconds - 0.05)
    gain.gain.linearRampToValueAtTime(0, now + seconds)
    tone.connect(gain).connect(this.context.destination)
    tone.start(now)
    tone.stop(now + seconds)
    this.tone = tone
  }

  silence(): void {
    this.tone?.stop()
    this.tone = null
  }

  close(): void {
    this.silence()
    void this.context?.close()
    this.context = null
  }

  private async turn(): Promise<void> {
    if (this.context?.setSinkId === undefined || this.at === this.device) return
    this.at = this.device
    try {
      await this.context.setSinkId(this.device)
    } catch (error) {
      if (!(error instanceof DOMException)) throw error
      this.at = '' // pulled out in this moment: it rings where the system says
      await this.context.setSinkId('')
    }
  }
}

export class Ringer {
  private readonly first = new Voice('')
  private second: Voice | null = null
  private timer: number | null = null

  /** Browsers make sound only after a click or key; called on the first one. Resolves to whether sound is possible. */
  async wake(): Promise<boolean> {
    const [first] = await Promise.all([this.first.wake(), this.second?.wake()])
    return first
  }

  get audible(): boolean {
    return this.first.audible
  }

  /** Ring at these devices; '' is the system's for `ring`, and none for `second`. */
  async at(ring: string, second: string): Promise<void> {
    await this.first.move(ring)
    if (second === '') {
      this.second?.close()
      this.second = null
    } else if (this.second !== null) {
      await this.second.move(second)
    } else {
      this.second = new Voice(second)
      if (this.first.audible) await this.second.wake()
    }
  }

  /** Ring until stopped; `quiet`: one short tone at a time, for somebody who is talking. */
  start(quiet = false): void {
    if (this.timer !== null) return
    const once = (): void => (quiet ? this.beep() : this.burst())
    once()
    this.timer = window.setInterval(once, CYCLE_MS)
  }

  stop(): void {
    if (this.timer === null) return
    window.clearInterval(this.timer)
    this.timer = null
    this.first.silence()
    this.second?.silence()
  }

  /** One short high tone: a call has been answered by itself, or somebody writes meanwhile. */
  beep(): void {
    this.first.sound(BEEP_HERTZ, BEEP_S)
  }

  /** One ring, to hear where it rings. */
  burst(): void {
    this.first.sound(HERTZ, ON_S)
    this.second?.sound(HERTZ, ON_S)
  }
}
