import type { AnswerView } from '@/live/protocol'

import { ask } from './http'

export type Verdict = 'useful' | 'outdated'

/** How many people found an article's newest version useful or outdated. */
export interface Counted {
  article_id: string
  useful: number
  outdated: number
  mine: '' | Verdict
}

export async function findAnswers(text: string, area: string): Promise<AnswerView[]> {
  const { answers } = await ask<{ answers: AnswerView[] }>('GET', '/api/knowledge', { query: { text, area, limit: 10 } })
  return answers
}

export async function getVerdicts(ids: readonly string[]): Promise<Counted[]> {
  const { verdicts } = await ask<{ verdicts: Counted[] }>('GET', '/api/knowledge/verdicts', { query: { ids: ids.join(',') } })
  return verdicts
}

export function judge(article_id: string, verdict: Verdict | null, call_id: string): Promise<Counted> {
  return ask('PUT', `/api/knowledge/${encodeURIComponent(article_id)}/verdict`, { body: { verdict, call_id } })
}

/** Nothing answers this: whoever keeps the knowledge base shall know. */
export function reportMiss(text: string): Promise<unknown> {
  return ask('POST', '/api/knowledge/misses', { body: { text } })
}
