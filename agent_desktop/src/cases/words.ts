/** Words of the closed loop and the table of units: asked once, kept for every page. */

import { shallowRef } from 'vue'

import { getUnits, getWords, type CourseWords, type Unit } from '@/api/cases'

const words = shallowRef<CourseWords | null>(null)
const units = shallowRef<Unit[]>([])
let asking: Promise<void> | null = null

/** What states, time limits and moves are called; null before the first answer. `fresh` asks again. Throws ApiError. */
export function useWords(): { words: typeof words; load: (fresh?: boolean) => Promise<void> } {
  async function load(fresh = false): Promise<void> {
    if (words.value !== null && !fresh) return
    asking ??= getWords()
      .then((answer) => void (words.value = answer))
      .finally(() => (asking = null))
    await asking
  }
  return { words, load }
}

let unitsAt = 0
const UNITS_MS = 60_000

/** The units, at most a minute old. Throws ApiError. */
export async function loadUnits(): Promise<Unit[]> {
  if (Date.now() - unitsAt > UNITS_MS) {
    units.value = await getUnits()
    unitsAt = Date.now()
  }
  return units.value
}

const SHOWN = 50

/** Units whose name, area or unit above has all of these words; whose name begins with them comes first. */
export function matching(all: readonly Unit[], text: string, most = SHOWN): Unit[] {
  const wanted = text.trim().split(/\s+/).filter((word) => word !== '')
  const found = all.filter((unit) => wanted.every((word) => unit.name.includes(word) || unit.parent.includes(word) || unit.areas.some((area) => area.includes(word))))
  const rank = (unit: Unit): number => (wanted.length === 0 || unit.name.startsWith(wanted[0]!) ? 0 : unit.name.includes(wanted[0]!) ? 1 : 2)
  return found.sort((one, other) => rank(one) - rank(other)).slice(0, most)
}

export const LEVELS: Record<string, string> = { province: '省级', city: '市级', county: '区县', township: '街道乡镇', village: '村社', company: '企业' }
