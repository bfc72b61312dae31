/** Lines that are not known to be safe with the hotline: sent again until they are, also after a reload. */

export interface Kept {
  get(key: string): string | null
  set(key: string, value: string): void
  drop(key: string): void
}

const KEY = 'hotline.citizen.unsent'

export class Unsent {
  private lines: Map<string, string>

  constructor(private readonly kept: Kept) {
    this.lines = new Map(read(kept.get(KEY)))
  }

  get all(): [string, string][] {
    return [...this.lines]
  }

  add(id: string, text: string): void {
    this.lines.set(id, text)
    this.save()
  }

  taken(id: string): void {
    if (this.lines.delete(id)) this.save()
  }

  clear(): void {
    this.lines = new Map()
    this.kept.drop(KEY)
  }

  private save(): void {
    this.kept.set(KEY, JSON.stringify([...this.lines]))
  }
}

function read(text: string | null): [string, string][] {
  if (text === null) return []
  try {
    const found: unknown = JSON.parse(text)
    return Array.isArray(found) ? found.filter(isLine) : []
  } catch {
    return [] // somebody else's
  }
}

function isLine(one: unknown): one is [string, string] {
  return Array.isArray(one) && one.length === 2 && typeof one[0] === 'string' && typeof one[1] === 'string'
}
