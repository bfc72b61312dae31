import type { Role } from '@/live/protocol'

import { ask } from './http'

export interface Account {
  login: string
  name: string
  role: Role
  extension: string
  skills: Record<string, number>
  team: string
  place: string
  texts: number
  unit: string // 承办单位, '' for the hotline's own people
  districts: string[] // 区县 whose orders are open to them, [] all
  confidential: boolean // may learn who is behind a confidential order
  active: boolean
}

export type NewAccount = Omit<Account, 'active'> & { password: string; reason: string }
export type AccountChange = Partial<Omit<Account, 'login'>> & { password?: string; reason: string }

export async function listAccounts(): Promise<Account[]> {
  return (await ask<{ accounts: Account[] }>('GET', '/api/accounts')).accounts
}

export function createAccount(account: NewAccount): Promise<Account> {
  return ask('POST', '/api/accounts', { body: account })
}

export function changeAccount(login: string, change: AccountChange): Promise<Account> {
  return ask('PATCH', `/api/accounts/${encodeURIComponent(login)}`, { body: change })
}
