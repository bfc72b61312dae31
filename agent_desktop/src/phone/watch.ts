/** Measures a call's sound while it lasts: every two seconds for the page, every ten for the records. */

import { between, countsOf, type Counts, type Heard } from './quality'

const LOOK_MS = 2000
const REPORT_LOOKS = 5

export class QualityWatch {
  private timer: number | null = null
  private last: Counts | null = null // at the look before
  private told: Counts | null = null // at the last report
  private looks = 0

  constructor(
    private readonly connection: RTCPeerConnection,
    private readonly events: { heard(now: Heard): void; report(interval: Heard): void },
  ) {}

  start(): void {
    this.timer = window.setInterval(() => void this.look(), LOOK_MS)
  }

  /** The call is over: what has not been told yet is told. */
  stop(): void {
    if (this.timer === null) return
    window.clearInterval(this.timer)
    this.timer = null
    if (this.last !== null && this.told !== null) this.tell(this.told, this.last)
  }

  private async look(): Promise<void> {
    const report = await this.connection.getStats()
    const counts = countsOf(report.values(), Date.now())
    if (counts === null || this.timer === null) return
    const now = this.last === null ? null : between(this.last, counts)
    if (now !== null) this.events.heard(now)
    this.last = counts
    this.told ??= counts
    this.looks += 1
    if (this.looks % REPORT_LOOKS === 0) {
      this.tell(this.told, counts)
      this.told = counts
    }
  }

  private tell(from: Counts, to: Counts): void {
    const interval = between(from, to)
    if (interval !== null) this.events.report(interval)
  }
}
