/** What the citizens' page asks over HTTP. */

import { ApiError, ask } from '@/api/http'

export type Way = 'voice' | 'video' | 'text'

export interface About {
  media: Way[]
  notice: string
  verifies: boolean
  form: boolean // matters may be written, and asked for
}

/** An order as its citizen is told of it. */
export interface OwnOrder {
  receipt: string
  number: string
  stage: string
  received_at: number
  accepted_at: number | null
  updated_at: number
  title: string
  reason: string
  unit: string
  answer: { text: string; unit: string; at: number } | null
  rateable: boolean
  rating: { result: number | null; service: number | null; solved: string | null; at: number } | null
  query_code?: string
  attachments?: { name: string; size: number; state: string }[]
}

export interface Rating {
  solved: 'yes' | 'no' | 'partly' | null
  result: number | null
  service: number | null
  words: string
}

export interface GuestAccount {
  user: string
  password: string
  ws_url: string
  sip_domain: string
  target: string
  ice_servers: RTCIceServer[]
}

export interface Begun {
  token: string
  media: Way
  phone: GuestAccount | null
}

export const about = (): Promise<About> => ask<About>('GET', '/api/citizen')

export const begin = (media: Way, contact: string, textOnly: boolean): Promise<Begun> =>
  ask<Begun>('POST', '/api/citizen/session', { body: { media, consent: true, contact, text_only: textOnly } })

export const bring = (fields: Record<string, string>, key: string): Promise<OwnOrder> =>
  ask<OwnOrder>('POST', '/api/citizen/orders', { body: { fields, consent: true }, key })

export const findOwn = (number: string, code: string): Promise<OwnOrder> =>
  ask<OwnOrder>('POST', '/api/citizen/orders/query', { body: { number, code } })

export const rateOwn = (number: string, code: string, rating: Rating, key: string): Promise<OwnOrder> =>
  ask<OwnOrder>('POST', '/api/citizen/orders/rate', { body: { number, code, ...rating }, key })

/** Add a file to one's own order. Throws ApiError. */
export async function addFile(number: string, code: string, file: File): Promise<void> {
  const form = new FormData()
  form.append('number', number)
  form.append('code', code)
  form.append('file', file)
  let answer: Response
  try {
    answer = await fetch('/api/citizen/orders/attachments', { method: 'POST', body: form, credentials: 'same-origin' })
  } catch {
    throw new ApiError(0, 'unreachable', '连不上服务器，请检查网络')
  }
  if (answer.ok) return
  const told = (await answer.json().catch(() => null)) as { error?: { code?: string; message?: string } } | null
  throw new ApiError(answer.status, told?.error?.code ?? 'unknown', told?.error?.message ?? `上传失败（${answer.status}）`)
}
