/** Times and lengths as the desk writes them. */

const DAY = new Intl.DateTimeFormat('zh-CN', { month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit', hour12: false })
const FULL = new Intl.DateTimeFormat('zh-CN', {
  year: 'numeric',
  month: '2-digit',
  day: '2-digit',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  hour12: false,
})

/** 75 becomes "1:15", 3675 "1:01:15"; less than nothing is "0:00". */
export function length(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds))
  const s = String(whole % 60).padStart(2, '0')
  const m = Math.floor(whole / 60) % 60
  const h = Math.floor(whole / 3600)
  return h > 0 ? `${h}:${String(m).padStart(2, '0')}:${s}` : `${m}:${s}`
}

/** Epoch seconds as "11/21 14:05". */
export function shortTime(at: number | null | undefined): string {
  return at ? DAY.format(at * 1000) : ''
}

/** Epoch seconds as "2026/11/21 14:05:09". */
export function fullTime(at: number | null | undefined): string {
  return at ? FULL.format(at * 1000) : ''
}

/** Mobile numbers in groups of 3-4-4, everything else as it is. */
export function grouped(number: string): string {
  const match = /^(1\d{2})(\d{4})(\d{4})$/.exec(number)
  return match ? `${match[1]} ${match[2]} ${match[3]}` : number
}
