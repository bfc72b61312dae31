/** What a caption says beyond its words: gaps, repaired stretches, and whether the machine follows the citizen at all. Pure. */

import type { Caption, RepairView } from './protocol'

export const SPEAKERS: Record<Caption['speaker'], string> = { citizen: '市民', agent: '坐席', third: '第三方' }

const GAPS: Record<string, string> = { worker_lost: '转写进程中断', behind: '转写来不及，跳过' }

/** The sentence that stands where nobody listened. */
export function gapText(reason: string, seconds: number): string {
  return `此处约 ${Math.max(1, Math.round(seconds))} 秒未转写：${GAPS[reason] ?? '原因不明'}`
}

export interface Segment {
  text: string
  repair: RepairView | null // it was heard otherwise
}

/** The readable text in stretches, repaired ones apart. Positions count characters as people do, not UTF-16 units. */
export function segments(text: string, repairs: readonly RepairView[] | null | undefined): Segment[] {
  if (!repairs || repairs.length === 0) return [{ text, repair: null }]
  const signs = Array.from(text)
  const found: Segment[] = []
  let at = 0
  for (const repair of [...repairs].sort((a, b) => a.start - b.start)) {
    const end = Math.min(repair.end, signs.length)
    if (repair.start < at || repair.start >= end) continue // does not belong to this text
    if (repair.start > at) found.push({ text: signs.slice(at, repair.start).join(''), repair: null })
    found.push({ text: signs.slice(repair.start, end).join(''), repair })
    at = end
  }
  if (at < signs.length) found.push({ text: signs.slice(at).join(''), repair: null })
  return found
}

/** What was heard in place of a stretch, in words. */
export function repairText(repair: RepairView): string {
  const why = repair.source === 'digits' ? '按号码重听' : '按地名库改写'
  return `原听“${repair.heard}”，${why}，把握 ${Math.round(repair.confidence * 100)}%`
}

export interface WeakStretch {
  lines: number // sentences of the citizen in a row that were understood badly
  seconds: number // of their speech
  last: string // line_id of the newest
}

const WEAK_LINES = 4
const WEAK_SECONDS = 20
const SHORT_S = 0.6

/**
 * The citizen's newest sentences, all understood badly: at least four in a row, or twenty seconds of speech. An "嗯" of
 * half a second neither counts nor ends the row. `after`: the line up to which the agent has already decided.
 */
export function weakStretch(lines: readonly Caption[], unsure: number, after = ''): WeakStretch | null {
  let count = 0
  let seconds = 0
  let last = ''
  for (let at = lines.length - 1; at >= 0; at -= 1) {
    const line = lines[at]
    if (line === undefined || line.line_id === after) break
    if (line.speaker !== 'citizen' || !line.final || line.gap || line.end - line.start < SHORT_S) continue
    if (line.confidence == null || line.confidence >= unsure) break
    count += 1
    seconds += line.end - line.start
    last ||= line.line_id
  }
  return count >= WEAK_LINES || (count > 0 && seconds >= WEAK_SECONDS) ? { lines: count, seconds, last } : null
}
