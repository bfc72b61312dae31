import type { Role } from '@/live/protocol'
import type { PhoneAccount } from '@/phone/softphone'

import { ask } from './http'

export interface Person {
  login: string
  name: string
  role: Role
  extension: string
  unit: string // 承办单位 that they work for, '' for the hotline itself
}

export async function login(name: string, password: string): Promise<Person> {
  return ask<Person>('POST', '/api/login', { body: { login: name, password } })
}

export async function logout(): Promise<void> {
  await ask('POST', '/api/logout')
}

export async function me(): Promise<Person> {
  return ask<Person>('GET', '/api/me')
}

export async function phoneAccount(): Promise<PhoneAccount> {
  return ask<PhoneAccount>('GET', '/api/me/phone')
}
