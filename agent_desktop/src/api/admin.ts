/** The administration pages' questions: documents and their editions, prompts, people, settings, changes. */

import type { Role } from '@/live/protocol'

import type { Account } from './accounts'
import { ask, fetchFile } from './http'

export interface Problem {
  kind: string
  file: string
  line: number
  key: string
  value: string
  remedy: string
  fatal: boolean
}

export interface DocumentRow {
  kind: string
  title: string
  number: number
  removed: boolean
  author: string
  reason: string
  at: number | null
  editable: boolean
  drafted: number | null
}

export interface DocumentList {
  documents: DocumentRow[]
  managed: boolean
  head: number
  in_force: boolean
  problems: Problem[]
}

export interface Draft {
  text: string
  base: number
  at: number
}

export interface DocumentView {
  kind: string
  title: string
  text: string
  number: number
  removed: boolean
  editable: boolean
  draft: Draft | null
}

export interface Change {
  kind: string
  text?: string
  base: number
  removed?: boolean
}

export interface Edition {
  id: number
  kind: string
  number: number
  text: string
  removed: boolean
  base: number
  origin: 'page' | 'file' | 'back'
  author: string
  reason: string
  at: number
  audio: boolean
}

export interface DiffLine {
  sign: 'same' | 'added' | 'gone' | 'cut'
  old: number
  new: number
  text: string
}

export interface Checked {
  problems: Problem[]
  differences: Array<{ kind: string; lines: DiffLine[] }>
  meanings: string[]
}

export interface StepTold {
  name: string
  line: number
  kind: string
  says: string[]
  about: string[]
  exits: Array<[string, string]>
}

export interface Picture {
  name: string
  title: string
  version: string
  svg: string
  steps: StepTold[]
}

export interface Played {
  flow: string
  title: string
  told: string[]
  question: string
  step: string
  over: boolean
}

export interface PlayAsked {
  flow: string
  called: string
  caller: string
  at: string | null
  lines: string[]
  changes: Change[]
}

export interface TriedCase {
  title: string
  decisions: Array<{ at: number; call: string; agent: string; why: string }>
}

export interface YearDays {
  holidays: Record<string, string>
  workdays: Record<string, string>
  provisional: boolean
}

export interface CalendarDays {
  years: Record<string, YearDays>
  warnings: Problem[]
  calendars: Array<{ name: string; title: string }>
  today: string
}

export interface PromptRow {
  key: string
  text: string
  note: string
  seconds: number
  recorded_by: '' | 'kokoro' | 'person'
  number: number
}

export interface Skill {
  name: string
  title: string
  kind: string
}

export interface Imported {
  people: Array<{ line: number; login: string; name: string; role: Role; extension: string }>
  errors: Array<{ line: number; column: string; value: string; remedy: string }>
  created: number
  columns: string[]
}

export interface SettingRow {
  key: string
  section: string
  about: string
  value: string
  default: string
  source: 'file' | 'environment' | 'default' | 'program'
  variable: string
  live: string
}

export interface ChangeRow {
  id: number
  at: number
  who: string
  what: string
  title: string // the act, in Chinese
  returnable: boolean // the server can put back what was before
  target: string
  detail: Record<string, unknown>
}

export interface ChangesAsked {
  who: string
  what: string
  target: string
  since: number | null
  until: number | null
}

const document = (kind: string) => `/api/admin/documents/${encodeURIComponent(kind)}`
const prompt = (key: string) => `/api/admin/prompts/${encodeURIComponent(key)}`
const person = (login: string) => `/api/admin/people/${encodeURIComponent(login)}`

export const listDocuments = (): Promise<DocumentList> => ask('GET', '/api/admin/documents')
export const readDocument = (kind: string): Promise<DocumentView> => ask('GET', document(kind))
export const saveDraft = (kind: string, text: string, base: number): Promise<Draft> => ask('PUT', `${document(kind)}/draft`, { body: { text, base } })
export const dropDraft = (kind: string): Promise<unknown> => ask('DELETE', `${document(kind)}/draft`)
export const checkChanges = (changes: Change[]): Promise<Checked> => ask('POST', '/api/admin/check', { body: { changes } })
export const publishChanges = (changes: Change[], reason: string): Promise<{ editions: Edition[] }> => ask('POST', '/api/admin/publish', { body: { changes, reason } })
export const listEditions = async (kind: string): Promise<Edition[]> => (await ask<{ editions: Edition[] }>('GET', `${document(kind)}/editions`)).editions
export const readEdition = (kind: string, number: number): Promise<Edition> => ask('GET', `${document(kind)}/editions/${number}`)
export const readDifference = (kind: string, number: number, old?: number): Promise<{ old: number; new: number; lines: DiffLine[]; meanings: string[] }> => ask('GET', `${document(kind)}/difference`, { query: { new: number, old } })
export const goBack = (kind: string, number: number, reason: string): Promise<Edition> => ask('POST', `${document(kind)}/back`, { body: { number, reason } })

export const drawFlow = (flow: string, changes: Change[]): Promise<{ picture: Picture; problems: Problem[] }> => ask('POST', '/api/admin/flows/draw', { body: { flow, changes } })
export const playFlow = (asked: PlayAsked): Promise<Played> => ask('POST', '/api/admin/flows/play', { body: asked })
export const tryPolicy = async (cases: string, changes: Change[]): Promise<TriedCase[]> => (await ask<{ cases: TriedCase[] }>('POST', '/api/admin/policy/try', { body: { cases, changes } })).cases
export const calendarDays = (text: string): Promise<CalendarDays> => ask('POST', '/api/admin/calendar/days', { body: { text } })
export const calendarText = async (text: string, years: Record<string, YearDays>): Promise<string> => (await ask<{ text: string }>('POST', '/api/admin/calendar/text', { body: { text, years } })).text

export const listPrompts = (): Promise<{ prompts: PromptRow[]; can_speak: boolean }> => ask('GET', '/api/admin/prompts')
export const hearPrompt = (key: string, number?: number): Promise<Blob> => fetchFile(`${prompt(key)}/audio`, { number })
export const speakPrompt = (key: string, text: string, say: string): Promise<Blob> => fetchFile(`${prompt(key)}/speak`, {}, { text, say })
export const publishPrompt = (key: string, wav: Blob, query: { text: string; reason: string; base: number; say: string; note: string }): Promise<Edition> => ask('PUT', prompt(key), { query, file: wav })

export const listPeople = (): Promise<{ people: Account[]; skills: Skill[] }> => ask('GET', '/api/admin/people')
export const setSkills = (login: string, skills: Record<string, number>, reason: string): Promise<Account> => ask('PUT', `${person(login)}/skills`, { body: { skills, reason } })
export const signOut = (login: string, reason: string): Promise<unknown> => ask('POST', `${person(login)}/sign-out`, { body: { reason } })
export const importPeople = (table: string, reason: string, dryRun: boolean): Promise<Imported> => ask('POST', '/api/admin/people/import', { body: { table, reason, dry_run: dryRun } })

export const listSettings = async (): Promise<SettingRow[]> => (await ask<{ settings: SettingRow[] }>('GET', '/api/admin/settings')).settings
export const listChanges = (asked: ChangesAsked, before?: number): Promise<{ changes: ChangeRow[]; more: boolean; groups: string[] }> => ask('GET', '/api/admin/changes', { query: { ...asked, before } })
export const putBack = (id: number, reason: string): Promise<unknown> => ask('POST', `/api/admin/changes/${id}/back`, { body: { reason } })
export const exportChanges = (asked: ChangesAsked): Promise<Blob> => fetchFile('/api/admin/changes/export', { ...asked })
