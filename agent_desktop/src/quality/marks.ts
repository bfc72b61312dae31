/** What marks on a scoring sheet amount to; the server says the same (cti/quality/sheets.py) and decides. */

import type { Marks, ReviewState, Sheet } from '@/api/reviews'

export function emptyMarks(): Marks {
  return { points: {}, fatal: [], remarks: {}, comment: '' }
}

/** The total so far, 0 to 100 with one digit; null while nothing that applies is marked. */
export function total(sheet: Sheet, marks: Marks): number | null {
  if (marks.fatal.length > 0) return 0
  let got = 0
  let could = 0
  for (const item of sheet.items) {
    const given = marks.points[item.key]
    if (given === undefined || given === null) continue
    got += given
    could += item.points
  }
  return could === 0 ? null : Math.round((1000 * got) / could) / 10
}

/** Titles of the items that are not marked yet. */
export function missing(sheet: Sheet, marks: Marks): string[] {
  return sheet.items.filter((item) => marks.points[item.key] === undefined).map((item) => item.title)
}

/** The sheet's items under their headings, in the sheet's order. */
export function groups(sheet: Sheet): Array<{ title: string; items: Sheet['items'] }> {
  const found = new Map<string, Sheet['items']>()
  for (const item of sheet.items) found.set(item.group, [...(found.get(item.group) ?? []), item])
  return [...found].map(([title, items]) => ({ title, items }))
}

export const STATES: Record<ReviewState, string> = {
  picked: '待评',
  taken: '评分中',
  scored: '待坐席确认',
  appealed: '申诉中',
  accepted: '已确认',
  ruled: '已裁定',
  dropped: '不评',
}
export const MOVES: Record<string, string> = {
  take: '接手',
  release: '退回',
  score: '提交评分',
  accept: '确认',
  appeal: '申诉',
  rule: '裁定',
  drop: '标为不评',
}
