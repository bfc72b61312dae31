import type { Counts, Page } from './calls'
import { ask, type Query } from './http'

/** Keeping the knowledge base: articles, their versions, what units propose, what needs a hand, files; and what citizens read. */

export type ArticleState = 'valid' | 'coming' | 'expired' | 'withdrawn'
export type ProposalState = 'waiting' | 'approved' | 'refused' | 'taken_back'
export type CareReason = 'expired' | 'outdated' | 'review' | 'expiring'

/** What people write of an article. */
export interface ArticleText {
  question: string
  variants: string[]
  answer: string
  basis: string
  unit: string
  area: string
  valid_from: string // ISO days, '' for none
  valid_until: string
  review_on: string
  public: boolean
  withdrawn: boolean
}
export interface Article extends ArticleText {
  article_id: string
  version: number
}
export interface KeptArticle extends Article {
  changed_by: string
  changed_at: number
}
export interface Proposal {
  proposal_id: string
  article: Article
  base: number // version that was edited, 0 for a new article
  reason: string
  by: string
  at: number
  state: ProposalState
  ruled_by: string
  ruled_at: number | null
  ruling: string
}
export interface Care {
  article: Article
  reason: CareReason
  day: string
  doubts: number
}
export interface Miss {
  text: string
  count: number
  first_at: number
  last_at: number
  who: string
}
export interface Imported {
  new: number
  changed: number
  same: number
  read: number
  dry_run: boolean
}
export interface PublicArticle {
  article_id: string
  question: string
  answer: string
  basis: string
  unit: string
  area: string
  valid_until: string
}

export async function findArticles(query: Query): Promise<Page<KeptArticle>> {
  const { articles, ...rest } = await ask<Counts & { articles: KeptArticle[] }>('GET', '/api/knowledge/articles', { query })
  return { ...rest, items: articles }
}

/** Every version, newest first. */
export async function getVersions(id: string): Promise<KeptArticle[]> {
  return (await ask<{ versions: KeptArticle[] }>('GET', path(id))).versions
}

/** Publish a change of the version `base` (0: a new article), or propose it; 409 when somebody was quicker. */
export function putArticle(id: string, text: ArticleText, base: number, reason: string): Promise<{ article?: Article; proposal?: Proposal }> {
  return ask('PUT', path(id), { body: { ...text, base, reason } })
}

export async function findProposals(query: Query): Promise<Page<Proposal>> {
  const { proposals, ...rest } = await ask<Counts & { proposals: Proposal[] }>('GET', '/api/knowledge/proposals', { query })
  return { ...rest, items: proposals }
}

export function ruleProposal(id: string, approved: boolean, ruling: string): Promise<{ article: Article | null }> {
  return ask('POST', `/api/knowledge/proposals/${encodeURIComponent(id)}/rule`, { body: { approved, ruling } })
}

export async function getCares(): Promise<Care[]> {
  return (await ask<{ cares: Care[] }>('GET', '/api/knowledge/cares')).cares
}

export async function findMisses(query: Query): Promise<Page<Miss>> {
  const { misses, ...rest } = await ask<Counts & { misses: Miss[] }>('GET', '/api/knowledge/misses', { query })
  return { ...rest, items: misses }
}

/** Take a whole file, all or nothing; as a dry run it is only checked. */
export function importArticles(file: File, dry_run: boolean): Promise<Imported> {
  return ask('POST', '/api/knowledge/import', { query: { name: file.name.slice(-200), dry_run: String(dry_run) }, file: new Blob([file], { type: 'application/octet-stream' }) })
}

/** What citizens may read, best first. */
export async function askPublic(text: string, area = ''): Promise<PublicArticle[]> {
  return (await ask<{ articles: PublicArticle[] }>('GET', '/api/public/knowledge', { query: { text, area } })).articles
}

export function getPublic(id: string): Promise<PublicArticle> {
  return ask('GET', `/api/public/knowledge/${encodeURIComponent(id)}`)
}

function path(id: string): string {
  return `/api/knowledge/articles/${encodeURIComponent(id)}`
}
