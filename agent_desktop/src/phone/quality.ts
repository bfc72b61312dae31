/**
 * How a call sounds, from the browser's own counts. Pure.
 *
 * The estimate is the E-model of ITU-T G.107 (06/2015) with its default values, reduced to what a softphone can
 * know: R = 93.2 - Id - Ie,eff, where Id is the impairment by delay and Ie,eff that by lost packets.
 * Codec: G.711 with packet-loss concealment, Ie = 0 and Bpl = 25.1 (ITU-T G.113 (11/2007), table I.4).
 */

export interface Counts {
  at: number // epoch milliseconds
  received: number // packets so far
  lost: number // packets so far
  jitter_s: number // now
  rtt_s: number | null // now; null where nobody has told
  remoteLoss: number // share of what we sent that did not arrive, as the other side says; 0 where unknown
}

export interface Heard {
  loss: number // share of lost packets, 0 to 1; of both directions the worse
  jitter_ms: number
  rtt_ms: number
  mos: number // 1 to 4.5
}

const R0 = 93.2 // G.107: with all other values at their defaults
const BPL = 25.1
const CODEC_MS = 20 // one packet is collected before it is sent
const JITTER_BUFFERS = 2 // a buffer of twice the jitter loses next to nothing

/** The rating R for a one-way delay in milliseconds and a share of lost packets. */
export function rating(delay_ms: number, loss: number): number {
  // G.107 annex: delay hurts little below 177.3 ms, more beyond (Cole & Rosenbluth, 2001, after G.107 figure)
  const delay = 0.024 * delay_ms + (delay_ms > 177.3 ? 0.11 * (delay_ms - 177.3) : 0)
  const percent = 100 * Math.min(1, Math.max(0, loss))
  const packets = (95 * percent) / (percent + BPL) // G.107 (7-29), Ie = 0, random loss
  return R0 - delay - packets
}

/** The mean opinion score of a rating: ITU-T G.107, annex B, formula (B-4). */
export function mosOf(r: number): number {
  if (r <= 0) return 1
  if (r >= 100) return 4.5
  return Math.max(1, 1 + 0.035 * r + r * (r - 60) * (100 - r) * 7e-6)
}

/** How it sounded between two counts of one call; null while nothing has come between them. */
export function between(before: Counts, after: Counts): Heard | null {
  const received = after.received - before.received
  const lost = Math.max(0, after.lost - before.lost)
  if (received < 0 || received + lost === 0) return null
  const loss = Math.max(lost / (received + lost), after.remoteLoss)
  const jitter_ms = 1000 * after.jitter_s
  const rtt_ms = 1000 * (after.rtt_s ?? 0)
  const delay_ms = rtt_ms / 2 + CODEC_MS + JITTER_BUFFERS * jitter_ms
  return { loss, jitter_ms, rtt_ms, mos: mosOf(rating(delay_ms, loss)) }
}

export type Grade = 'good' | 'fair' | 'bad'

/** In a word; the bounds are those of ITU-T G.109: R 80 is a MOS of 4.03, R 60 one of 3.1. */
export function grade(mos: number): Grade {
  if (mos >= 4.0) return 'good'
  return mos >= 3.1 ? 'fair' : 'bad'
}

export const GRADES: Record<Grade, string> = { good: '良好', fair: '一般', bad: '较差' }

/** What the agent can do about it; '' where there is nothing to say. */
export function hint(heard: Heard): string {
  if (grade(heard.mos) === 'good') return ''
  if (heard.loss >= 0.03) return '网络丢包较多：请改用有线网络，或关闭占用带宽的程序'
  if (heard.jitter_ms >= 40) return '网络抖动较大：请改用有线网络'
  if (heard.rtt_ms >= 300) return '网络时延较大：说话后请稍等对方回应'
  return '通话质量下降，请留意对方是否听清'
}

/** What a page's statistics say; null while there are none of sound that comes in. */
export function countsOf(report: Iterable<Record<string, unknown>>, at: number): Counts | null {
  let found: Counts | null = null
  let rtt: number | null = null
  let remoteLoss = 0
  for (const one of report) {
    if (one.type === 'inbound-rtp' && one.kind === 'audio') {
      found = { at, received: number(one.packetsReceived), lost: number(one.packetsLost), jitter_s: number(one.jitter), rtt_s: null, remoteLoss: 0 }
    } else if (one.type === 'remote-inbound-rtp' && one.kind === 'audio') {
      if (typeof one.roundTripTime === 'number') rtt = one.roundTripTime
      remoteLoss = number(one.fractionLost)
    } else if (one.type === 'candidate-pair' && one.nominated === true && rtt === null && typeof one.currentRoundTripTime === 'number') {
      rtt = one.currentRoundTripTime
    }
  }
  return found === null ? null : { ...found, rtt_s: rtt, remoteLoss }
}

function number(value: unknown): number {
  return typeof value === 'number' && Number.isFinite(value) ? value : 0
}
