/** How loud a stream is, for a bar on the page. */

const LOOK_MS = 66

/** Share of a bar for samples from -1 to 1: silence is 0, speech about half, the loudest 1. Decibels, -60 to 0. */
export function share(samples: Float32Array): number {
  let sum = 0
  for (const sample of samples) sum += sample * sample
  const mean = Math.sqrt(sum / Math.max(1, samples.length))
  if (mean === 0) return 0
  return Math.min(1, Math.max(0, 1 + (20 * Math.log10(mean)) / 60))
}

export class Meter {
  private readonly context = new AudioContext()
  private readonly source: MediaStreamAudioSourceNode
  private readonly timer: number

  /** `level` is told some fifteen times a second. */
  constructor(stream: MediaStream, level: (share: number) => void) {
    const analyser = this.context.createAnalyser()
    analyser.fftSize = 1024
    this.source = this.context.createMediaStreamSource(stream)
    this.source.connect(analyser)
    const samples = new Float32Array(analyser.fftSize)
    this.timer = window.setInterval(() => {
      analyser.getFloatTimeDomainData(samples)
      level(share(samples))
    }, LOOK_MS)
  }

  stop(): void {
    window.clearInterval(this.timer)
    this.source.disconnect()
    void this.context.close()
  }
}
