/** Hot topics and themes as people read them. Pure. */

import type { Level, Month, Theme, Topic } from '@/api/topics'

export const LEVELS: Record<Level, string> = { high: '预警', rising: '上升', usual: '正常' }
const RANK: Record<Level, number> = { high: 0, rising: 1, usual: 2 }

/** Early warnings first, then what rises; each the surest first, as they came. */
export function ranked(topics: readonly Topic[]): Topic[] {
  return [...topics].sort((one, other) => RANK[one.level] - RANK[other.level])
}

/** How likely so many would come without a reason, in words. */
export function chanceText(chance: number): string {
  if (chance < 0.001) return '几乎不可能是偶然'
  if (chance < 0.01) return '很不可能是偶然'
  return chance < 0.05 ? '不太可能是偶然' : '可能是偶然'
}

/** "3.2 倍"; what hardly ever came before has no number of times. */
export function ratioText(topic: Topic): string {
  return topic.usual < 0.5 ? '平常极少' : `${topic.ratio.toFixed(1)} 倍`
}

export function matterText(category: string): string {
  return category.replaceAll('/', ' › ')
}

/** First and last second of the window that ends with a day (ISO, China's time). */
export function windowOf(today: string, days: number): { since: number; until: number } {
  const until = Date.parse(`${today}T00:00:00+08:00`) / 1000 + 86_400
  return { since: until - days * 86_400, until }
}

/** A share as "82.1%", "—" of nothing. */
export function share(part: number, whole: number): string {
  return whole === 0 ? '—' : `${((part / whole) * 100).toFixed(1)}%`
}

export const MONTH_HEADS: readonly string[] = ['月份', '诉求量', '来电人数', '已办结', '解决率', '满意率', '重办', '督办']

export function monthCells(one: Month): Array<string | number> {
  return [one.month, one.orders, one.callers, one.finished, share(one.solved, one.asked), share(one.satisfied, one.rated), one.redone, one.supervised]
}

/** A theme's report as lines of a table. */
export function reportRows(theme: Theme, months: readonly Month[]): Array<Array<string | number>> {
  return [
    ['每月一题', theme.title],
    ['月份', theme.month],
    ['事项', theme.category],
    ['区县', theme.district || '全市'],
    ['牵头单位', theme.lead],
    ['目标', theme.goal],
    ['成效', theme.result],
    [],
    [...MONTH_HEADS],
    ...months.map(monthCells),
  ]
}
