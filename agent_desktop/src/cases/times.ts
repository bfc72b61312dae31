/** How long a time limit still is, in words, and how pressing. */

import type { Clock } from '@/api/cases'

export type Pressure = 'fine' | 'near' | 'late' | 'paused' | 'done'

/** Seconds as "2 天 3 小时", "3 小时 20 分", "12 分", "不到 1 分". */
export function span(seconds: number): string {
  const minutes = Math.floor(Math.abs(seconds) / 60)
  const days = Math.floor(minutes / 1440)
  const hours = Math.floor(minutes / 60) % 24
  if (days > 0) return hours > 0 ? `${days} 天 ${hours} 小时` : `${days} 天`
  if (hours > 0) return minutes % 60 > 0 ? `${hours} 小时 ${minutes % 60} 分` : `${hours} 小时`
  return minutes > 0 ? `${minutes} 分` : '不到 1 分'
}

/** How pressing something is that is due at `due` and near from `near_at` on; `now` is the server's time. */
export function pressure(due: number | null, near_at: number | null, now: number): Pressure {
  if (due === null) return 'fine'
  if (now > due) return 'late'
  return near_at !== null && now >= near_at ? 'near' : 'fine'
}

/** "剩 3 小时 20 分" or "超期 2 天". */
export function remaining(due: number, now: number): string {
  return now > due ? `超期 ${span(now - due)}` : `剩 ${span(due - now)}`
}

export function clockPressure(clock: Clock, now: number): Pressure {
  if (clock.stopped !== null) return 'done'
  if (clock.paused_at !== null) return 'paused'
  return pressure(clock.due, clock.near_at, now)
}

/** Clocks as they are shown: those that count, the first to be over first; then those that stand; then those that are done. */
export function inOrder(clocks: readonly Clock[], counts: (clock: Clock) => boolean = () => true): Clock[] {
  const rank = (clock: Clock): number => (clock.stopped !== null ? 2 : clock.paused_at !== null ? 1 : 0)
  return [...clocks].filter((clock) => clock.stopped !== null || counts(clock)).sort((one, other) => rank(one) - rank(other) || one.due - other.due)
}
