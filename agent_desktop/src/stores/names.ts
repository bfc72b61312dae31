/** Who stands behind logins, as the server lets this person know: asked for together, kept while the page is open. */

import { reactive } from 'vue'

import { ask } from '@/api/http'

const MOST = 2000
const AT_ONCE = 100
const SYSTEM: Record<string, string> = { system: '系统', machine: '机器', call: '通话', robot: '机器人', citizen: '市民' }

const known = reactive(new Map<string, string>())
const wanted = new Set<string>()
let asked: ReturnType<typeof setTimeout> | null = null

/** What is shown of a login: 姓名（工号）, and the login itself until the server has answered. */
export function nameOf(login: string | undefined): string {
  if (login === undefined || login === '') return '' // tables draw each column once without a row
  const system = SYSTEM[login]
  if (system !== undefined) return system
  const name = known.get(login)
  if (name !== undefined) return name
  wanted.add(login)
  asked ??= setTimeout(() => void find(), 20)
  return login
}

/** Somebody else signs in: they may know other names. */
export function forgetNames(): void {
  known.clear()
}

async function find(): Promise<void> {
  asked = null
  const logins = [...wanted].filter((login) => !login.includes(',')).slice(0, AT_ONCE)
  wanted.clear()
  if (logins.length === 0) return
  if (known.size > MOST) known.clear()
  try {
    const { names } = await ask<{ names: Record<string, string> }>('GET', '/api/names', { query: { logins: logins.join(',') } })
    for (const [login, name] of Object.entries(names)) known.set(login, name)
  } catch {
    // the logins stand, and are asked for again when they are shown the next time
  }
}
