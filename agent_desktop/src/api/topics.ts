import { ask } from './http'

/** Hot topics, monthly themes, and earlier orders of a matter. */

export type Level = 'usual' | 'rising' | 'high'

export interface Topic {
  category: string
  district: string // '' the whole city
  orders: number // in the window
  usual: number // expected in such a window
  chance: number // that so many come without a reason
  trend: number[] // orders of each day, oldest first
  level: Level
  ratio: number // so many times the usual
}
export interface TopicList {
  at: number
  today: string // ISO day, the last that is counted
  total: number
  topics: Topic[]
}
export interface Month {
  month: string // 2026-11
  orders: number
  callers: number
  finished: number
  asked: number
  solved: number
  rated: number
  satisfied: number
  redone: number
  supervised: number
}
export interface ThemeText {
  month: string
  title: string
  category: string
  district: string
  lead: string
  goal: string
}
export interface Theme extends ThemeText {
  theme_id: string
  result: string
  by: string
  at: number
  closed_at: number | null
}
export interface Earlier {
  order_id: string
  number: string
  title: string
  at: number
  same_citizen: boolean
  same_place: boolean
  state: string
}

export function getTopics(query: { days: number; depth: number; district?: string; raised?: boolean }): Promise<TopicList> {
  return ask('GET', '/api/topics', { query: { ...query, raised: query.raised === true ? 'true' : '' } })
}

/** The last months of a matter, oldest first; the newest is not over. */
export async function getMonths(category: string, district: string): Promise<Month[]> {
  return (await ask<{ months: Month[] }>('GET', '/api/topics/months', { query: { category, district } })).months
}

export async function getThemes(): Promise<Theme[]> {
  return (await ask<{ themes: Theme[] }>('GET', '/api/themes')).themes
}

export function getTheme(id: string): Promise<{ theme: Theme; months: Month[] }> {
  return ask('GET', `/api/themes/${encodeURIComponent(id)}`)
}

export function beginTheme(theme: ThemeText, key: string): Promise<Theme> {
  return ask('POST', '/api/themes', { body: theme, key })
}

export function closeTheme(id: string, result: string): Promise<Theme> {
  return ask('POST', `/api/themes/${encodeURIComponent(id)}/close`, { body: { result } })
}

/** Orders that reported the same matter before, newest first. */
export async function getEarlier(order_id: string): Promise<Earlier[]> {
  return (await ask<{ earlier: Earlier[] }>('GET', `/api/orders/${encodeURIComponent(order_id)}/earlier`)).earlier
}
