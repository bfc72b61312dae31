/** What in a conversation calls for attention: dangerous or forbidden words, and a mood that rises. Pure. */

import type { WatchGroup } from '@/api/desk'

import type { Caption } from './protocol'

export interface Flag {
  level: WatchGroup['level']
  title: string
  hint: string
  word: string // the first that was heard
}

/** The words of `groups` that stand in a sentence, the most dangerous first. */
export function flagsOf(line: Pick<Caption, 'speaker' | 'text' | 'final'>, groups: readonly WatchGroup[]): Flag[] {
  if (!line.final) return []
  const found: Flag[] = []
  for (const group of groups) {
    if (group.who !== (line.speaker === 'agent' ? 'agent' : 'citizen')) continue
    const word = group.words.find((one) => line.text.includes(one))
    if (word !== undefined) found.push({ level: group.level, title: group.title, hint: group.hint, word })
  }
  return found.sort((a, b) => Number(b.level === 'danger') - Number(a.level === 'danger'))
}

/** What stands of a sentence after a person's correction. */
export function standing(line: Pick<Caption, 'text' | 'correction'>): string {
  return line.correction?.text ?? line.text
}

const MOODS = ['平静', '焦急', '不满', '愤怒']

export interface Rise {
  from: string
  to: string
}

/** The rise of a mood when it becomes `now` after `before`; null when it stays, falls or was not known. */
export function rise(before: string, now: string): Rise | null {
  const from = before === '' ? 0 : MOODS.indexOf(before)
  const to = MOODS.indexOf(now)
  return to > from && from >= 0 && to >= 1 ? { from: before === '' ? '平静' : before, to: now } : null
}

/** Lines in which every word of `text` stands, by their place; all for an empty text. */
export function matching(lines: readonly Caption[], text: string): number[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean)
  return lines.flatMap((line, place) => {
    const said = `${line.text}\n${line.correction?.text ?? ''}`.toLowerCase()
    return words.length > 0 && words.every((word) => said.includes(word)) ? [place] : []
  })
}

/** The lines that are drawn: while following the newest `most`, else all around what is read. */
export function drawn<T>(lines: readonly T[], most: number, all: boolean): readonly T[] {
  return all || lines.length <= most ? lines : lines.slice(lines.length - most)
}
