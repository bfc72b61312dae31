/** Articles as people look at them: words, the day's state, what differs between two. Pure. */

import type { Article, ArticleState, ArticleText, CareReason, ProposalState } from '@/api/articles'
import { csv } from '@/text/csv'
import { newKey } from '@/text/key'
import { changes, type Changed } from '@/text/lines'

export const STATES: Record<ArticleState, string> = { valid: '有效', coming: '未生效', expired: '已失效', withdrawn: '已停用' }
export const PROPOSALS: Record<ProposalState, string> = { waiting: '待审核', approved: '已发布', refused: '未通过', taken_back: '已撤回' }
export const CARES: Record<CareReason, string> = { expired: '已失效', outdated: '被指过时', review: '应复核', expiring: '即将失效' }

export const EMPTY: ArticleText = {
  question: '', variants: [], answer: '', basis: '', unit: '', area: '', valid_from: '', valid_until: '', review_on: '', public: false, withdrawn: false,
}

/** Titles of what people write, in the order in which it is shown. */
export const TITLES: Record<keyof ArticleText, string> = {
  question: '问题', variants: '其他问法', answer: '答复', basis: '依据', unit: '单位', area: '适用区县', valid_from: '生效日期', valid_until: '失效日期', review_on: '复核日期', public: '对公众公开', withdrawn: '停用',
}

/** Limits as on the server: characters, and how many variants. */
export const LIMITS = { question: 200, answer: 8000, basis: 500, area: 50, variants: 50 } as const

/** Files to import begin with these heads. */
export const HEADS: readonly string[] = ['编号', '问题', '问法', '答复', '依据', '单位', '区域', '生效日期', '失效日期', '复核日期', '公开']
const EXAMPLE: readonly string[] = ['', '居住证怎么办理', '暂住证怎么办；外地人办居住证', '带身份证和居住证明，到居住地派出所办理', '《居住证暂行条例》', '市公安局', '', '2026-01-01', '', '2026-12-31', '是']

/** Whether it is told on this day (ISO). */
export function stateOn(article: ArticleText, day: string): ArticleState {
  if (article.withdrawn) return 'withdrawn'
  if (article.valid_until !== '' && article.valid_until < day) return 'expired'
  return article.valid_from > day ? 'coming' : 'valid'
}

/** Only what people write of it. */
export function textOf(article: Article): ArticleText {
  const { question, variants, answer, basis, unit, area, valid_from, valid_until, review_on, withdrawn } = article
  return { question, variants: [...variants], answer, basis, unit, area, valid_from, valid_until, review_on, public: article.public, withdrawn }
}

export interface FieldChange {
  name: keyof ArticleText
  title: string
  lines: Changed[]
}

/** The fields that differ, each line by line. */
export function differences(before: ArticleText, after: ArticleText): FieldChange[] {
  return (Object.keys(TITLES) as Array<keyof ArticleText>)
    .filter((name) => written(before[name]) !== written(after[name]))
    .map((name) => ({ name, title: TITLES[name], lines: changes(written(before[name]), written(after[name])).filter((line) => line.sign === ' ' || line.text !== '') }))
}

function written(value: string | string[] | boolean): string {
  if (typeof value === 'boolean') return value ? '是' : '否'
  return typeof value === 'string' ? value : value.join('\n')
}

/** What is wrong before it is sent, '' where nothing is. */
export function problem(text: ArticleText): string {
  if (text.question.trim() === '') return '请填写问题'
  if (text.answer.trim() === '') return '请填写答复'
  if (text.valid_from !== '' && text.valid_until !== '' && text.valid_until < text.valid_from) return '失效日期早于生效日期'
  if (text.variants.length > LIMITS.variants) return `其他问法最多 ${LIMITS.variants} 条`
  if (text.variants.some((one) => one.length > LIMITS.question)) return `每条问法最多 ${LIMITS.question} 个字`
  return ''
}

/** A file to fill in, as CSV that Excel opens. */
export function template(): string {
  return csv([HEADS, EXAMPLE])
}

/** A new article's id. */
export function newId(): string {
  return `k${newKey().slice(0, 16)}`
}
