/** Whom an agent may ask into a talk, as one list to walk through by keys. Pure. */

import type { CallView, ColleaguesView } from './protocol'

/** 请翻译, or (written conversations only) 请同事加入. */
export type Asks = 'interpreter' | 'colleague'

export interface Choice {
  id: string // unique in the list
  group: string // what stands above it: a language and how many are free, '' for colleagues
  skill: string // the language, '' for colleagues
  key: string // login; of "anybody" the best of those who are free
  anybody: boolean // the server chooses
  title: string
  note: string
  usable: boolean
}

/** Everybody who fits what is looked for: a part of a name, a number or a language. */
export function choices(view: ColleaguesView | null, asks: Asks, sought: string): Choice[] {
  const word = sought.trim().toLowerCase()
  const all = view === null ? [] : asks === 'interpreter' ? interpreters(view) : colleagues(view)
  return word === '' ? all : all.filter((one) => [one.title, one.note, one.group, one.key, one.skill].some((text) => text.toLowerCase().includes(word)))
}

function interpreters(view: ColleaguesView): Choice[] {
  return view.languages.flatMap((language) => {
    const { skill } = language
    const group = `${language.title} · 空闲 ${language.free}`
    const people = language.people.map((one): Choice => ({ id: `${skill}-${one.key}`, group, skill, key: one.key, anybody: false, title: one.title, note: one.note, usable: one.usable }))
    const best = people.find((one) => one.usable)
    if (best === undefined || people.length < 2) return people
    return [{ ...best, id: `${skill}-`, anybody: true, title: '任一空闲坐席', note: '由系统选最合适的一位' }, ...people]
  })
}

function colleagues(view: ColleaguesView): Choice[] {
  return view.colleagues.map((one) => ({ id: `-${one.key}`, group: '', skill: '', key: one.key, anybody: false, title: one.title, note: one.note, usable: one.usable }))
}

/** The same list, one part for each language. */
export function grouped(list: readonly Choice[]): { group: string; choices: Choice[] }[] {
  const parts = new Map<string, Choice[]>()
  for (const one of list) parts.set(one.group, [...(parts.get(one.group) ?? []), one])
  return [...parts].map(([group, of]) => ({ group, choices: of }))
}

/** Whether somebody may be asked into a written conversation now. */
export function mayAskIn(call: CallView): boolean {
  return call.media === 'text' && call.state === 'talking'
}
