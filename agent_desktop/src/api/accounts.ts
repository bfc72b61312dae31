import type { Role } from '@/live/protocol'

import { ask } from './http'

export interface Account {
  login: string
  name: string
  role: Role
  extension: string
  skills: Record<string, number>
  active: boolean
}

export type NewAccount = Omit<Account, 'active'> & { password: string }
export type AccountChange = Partial<Omit<Account, 'login'>> & { password?: string }

export async function listAccounts(): Promise<Account[]> {
  return (await ask<{ accounts: Account[] }>('GET', '/api/accounts')).accounts
}

export function createAccount(account: NewAccount): Promise<Account> {
  return ask('POST', '/api/accounts', { body: account })
}

export function changeAccount(login: string, change: AccountChange): Promise<Account> {
  return ask('PATCH', `/api/accounts/${encodeURIComponent(login)}`, { body: change })
}
