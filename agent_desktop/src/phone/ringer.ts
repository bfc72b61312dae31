/** The ring: 450 Hz, one second on, four off, as Chinese telephones ring back; made here, so no file to load. */

const HERTZ = 450
const ON_S = 1
const CYCLE_MS = 5000
const LOUDNESS = 0.25

export class Ringer {
  private context: AudioContext | null = null
  private timer: number | null = null
  private tone: OscillatorNode | null = null

  /** Browsers make sound only after a click or key; called on the first one. Resolves to whether sound is possible. */
  async wake(): Promise<boolean> {
    this.context ??= new AudioContext()
    if (this.context.state === 'suspended') await this.context.resume()
    return this.context.state === 'running'
  }

  get audible(): boolean {
    return this.context?.state === 'running'
  }

  start(): void {
    if (this.timer !== null) return
    this.burst()
    this.timer = window.setInterval(() => this.burst(), CYCLE_MS)
  }

  stop(): void {
    if (this.timer !== null) window.clearInterval(this.timer)
    this.timer = null
    this.tone?.stop()
    this.tone = null
  }

  private burst(): void {
    if (this.context?.state !== 'running') return
    const now = this.context.currentTime
    const tone = this.context.createOscillator()
    const gain = this.context.createGain()
    tone.frequency.value = HERTZ
    gain.gain.setValueAtTime(0, now)
    gain.gain.linearRampToValueAtTime(LOUDNESS, now + 0.02)
    gain.gain.setValueAtTime(LOUDNESS, now + ON_S - 0.05)
    gain.gain.linearRampToValueAtTime(0, now + ON_S)
    tone.connect(gain).connect(this.context.destination)
    tone.start(now)
    tone.stop(now + ON_S)
    this.tone = tone
  }
}
