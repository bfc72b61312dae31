import { lineOf, type CallRecord, type Correction, type Counts, type KeptLine, type Line, type Page } from './calls'
import { ask, fetchFile, type Query } from './http'

/** A call in which something was said, and the first lines that match. */
export interface Hit extends CallRecord {
  lines: number
  matches: number
  shown: Line[]
}

type KeptHit = Omit<Hit, 'shown'> & { shown: KeptLine[] }

export type FileFormat = 'txt' | 'csv' | 'json'

export async function findTranscripts(query: Query): Promise<Page<Hit>> {
  const { calls, ...rest } = await ask<Counts & { calls: KeptHit[] }>('GET', '/api/transcripts', { query })
  return { ...rest, items: calls.map((call) => ({ ...call, shown: call.shown.map(lineOf) })) }
}

/** Put a correction beside a line; `seen` is the version of the newest one that was shown. 409 when there is a newer. */
export function correctLine(call_id: string, line_id: string, text: string, seen: number): Promise<Correction> {
  return ask('PATCH', linePath(call_id, line_id), { body: { text, seen } })
}

/** Mark a sentence to find it again, or take the mark off. */
export function markLine(call_id: string, line_id: string, marked: boolean): Promise<unknown> {
  return ask('PUT', `${linePath(call_id, line_id)}/mark`, { body: { marked } })
}

/** Everything that people wrote in place of a line, oldest first. */
export async function getCorrections(call_id: string, line_id: string): Promise<Correction[]> {
  return (await ask<{ corrections: Correction[] }>('GET', `${linePath(call_id, line_id)}/corrections`)).corrections
}

export function exportCall(call_id: string, format: FileFormat): Promise<Blob> {
  return fetchFile(`/api/calls/${encodeURIComponent(call_id)}/transcript/export`, { format })
}

export function exportFound(query: Query, format: FileFormat): Promise<Blob> {
  return fetchFile('/api/transcripts/export', { ...query, format })
}

function linePath(call_id: string, line_id: string): string {
  return `/api/calls/${encodeURIComponent(call_id)}/transcript/${encodeURIComponent(line_id)}`
}
