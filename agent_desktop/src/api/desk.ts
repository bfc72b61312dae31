import type { OrderField } from '@/live/protocol'

import { ask, type Query } from './http'

/** Words that captions flag. */
export interface WatchGroup {
  name: string
  who: 'citizen' | 'agent'
  level: 'danger' | 'warning'
  title: string
  hint: string
  words: string[]
}

export interface Template {
  template_id: string
  category: string
  title: string
  questions: string[]
  fields: Partial<Record<OrderField, string>>
  active: boolean
  version: number
}

export interface Place {
  name: string
  kind: 'district' | 'street' | 'community' | 'estate' | 'road' | 'organisation' | 'landmark'
  district: string
  street: string
  lon: number | null
  lat: number | null
}

export async function getWatchWords(): Promise<WatchGroup[]> {
  return (await ask<{ groups: WatchGroup[] }>('GET', '/api/desk/words')).groups
}

export async function getTemplates(query: Query = {}): Promise<Template[]> {
  return (await ask<{ templates: Template[] }>('GET', '/api/templates', { query })).templates
}

export function putTemplate(template: Template, reason: string): Promise<Template> {
  return ask('PUT', `/api/templates/${encodeURIComponent(template.template_id)}`, { body: { template, reason } })
}

export interface TemplateVersion {
  template: Template
  reason: string // '' for the delivered one
  at: number | null // null for the delivered one
  by: string
}

/** All versions, newest first. */
export async function getTemplateVersions(template_id: string): Promise<TemplateVersion[]> {
  return (await ask<{ versions: TemplateVersion[] }>('GET', `/api/templates/${encodeURIComponent(template_id)}/versions`)).versions
}

export async function findPlaces(query: Query): Promise<Place[]> {
  return (await ask<{ places: Place[] }>('GET', '/api/places', { query })).places
}
