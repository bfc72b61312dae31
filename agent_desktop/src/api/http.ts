/** Questions to the server: JSON in and out, errors with a Chinese sentence, and a look at the server's clock. */

import { bounds, narrow, type Bounds } from '@/live/clock'

export class ApiError extends Error {
  /** `status` is 0 when the server could not be reached; `field` names the input that is wrong, `body` is the whole answer. */
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly field: string | null = null,
    readonly body: unknown = null,
  ) {
    super(message)
  }
}

export const serverClock: { bounds: Bounds | null } = { bounds: null }

type Listener = () => void
let expired: Listener = () => undefined

/** `listener` is called when a question was refused because nobody is signed in any more. */
export function onExpired(listener: Listener): void {
  expired = listener
}

export type Query = Record<string, string | number | null | undefined>

interface Options {
  query?: Query
  body?: unknown
  file?: Blob // sent as it is, by its own type
  form?: FormData // sent as a form, with a file in it
  key?: string
}

/** Ask the server; `key` makes a repeated request harmless. Throws ApiError. */
export async function ask<T>(method: string, path: string, options: Options = {}): Promise<T> {
  const answer = await answered(method, path, options)
  const text = await answer.text()
  const json = parsed(text)
  if (answer.ok) return json as T
  throw refusal(answer, path, json)
}

/** Fetch a file; with a `body` it is asked for by POST. Throws ApiError. */
export async function fetchFile(path: string, query: Query = {}, body?: unknown): Promise<Blob> {
  const answer = await answered(body === undefined ? 'GET' : 'POST', path, { query, body })
  if (answer.ok) return answer.blob()
  throw refusal(answer, path, parsed(await answer.text()))
}

async function answered(method: string, path: string, options: Options): Promise<Response> {
  const sent = Date.now() / 1000
  let answer: Response
  try {
    answer = await fetch(path + queryText(options.query), {
      method,
      credentials: 'same-origin',
      headers: {
        ...(options.file !== undefined ? { 'Content-Type': options.file.type } : options.body === undefined ? {} : { 'Content-Type': 'application/json' }),
        ...(options.key === undefined ? {} : { 'Idempotency-Key': options.key }),
      },
      ...(options.form !== undefined ? { body: options.form } : options.file !== undefined ? { body: options.file } : options.body === undefined ? {} : { body: JSON.stringify(options.body) }),
    })
  } catch {
    throw new ApiError(0, 'unreachable', '连不上服务器，请检查网络')
  }
  readClock(answer, sent)
  return answer
}

function refusal(answer: Response, path: string, json: unknown): ApiError {
  const error = (json as { error?: { code?: string; message?: string; field?: string } } | null)?.error
  if (answer.status === 401 && path !== '/api/login') expired()
  return new ApiError(
    answer.status,
    error?.code ?? 'unknown',
    error?.message ?? `服务器应答异常（${answer.status}）`,
    error?.field ?? null,
    json,
  )
}

function parsed(text: string): unknown {
  if (text === '') return null
  try {
    return JSON.parse(text)
  } catch {
    return null // a proxy's error page
  }
}

function queryText(query: Query | undefined): string {
  const pairs = Object.entries(query ?? {}).filter(([, value]) => value !== '' && value !== null && value !== undefined)
  if (pairs.length === 0) return ''
  return '?' + new URLSearchParams(pairs.map(([name, value]) => [name, String(value)])).toString()
}

function readClock(answer: Response, sent: number): void {
  const date = Date.parse(answer.headers.get('Date') ?? '')
  if (Number.isNaN(date)) return
  serverClock.bounds = narrow(serverClock.bounds, bounds(date / 1000, sent, Date.now() / 1000))
}
