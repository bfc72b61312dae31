/** The tree of units as lines: who is below whom, what is open, what is found. Pure. */

import type { BookUnit } from '@/api/dispatch'

export interface Line {
  unit: BookUnit
  depth: number
  below: number // units below it
  open: boolean
}

/** Lines from the top, those below a closed unit left out; with words, what has them and all above it. */
export function lines(units: readonly BookUnit[], opened: ReadonlySet<string>, text: string): Line[] {
  const wanted = text.trim().split(/\s+/).filter((word) => word !== '')
  const names = new Set(units.map((unit) => unit.name))
  const children = new Map<string, BookUnit[]>()
  for (const unit of units) {
    const above = names.has(unit.parent) ? unit.parent : ''
    children.set(above, [...(children.get(above) ?? []), unit])
  }
  const has = (unit: BookUnit): boolean => wanted.every((word) => unit.name.includes(word) || unit.areas.some((area) => area.includes(word)) || unit.duties.some((duty) => duty.includes(word)))
  const found: Line[] = []
  function walk(above: string, depth: number): boolean {
    let any = false
    for (const unit of children.get(above) ?? []) {
      const place = found.length
      const below = children.get(unit.name)?.length ?? 0
      found.push({ unit, depth, below, open: wanted.length > 0 || opened.has(unit.name) })
      const kept = (wanted.length > 0 || opened.has(unit.name)) && below > 0 ? walk(unit.name, depth + 1) : false
      if (wanted.length > 0 && !kept && !has(unit)) found.splice(place)
      else any = true
    }
    return any
  }
  walk('', 0)
  return found
}
