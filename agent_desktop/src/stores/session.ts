import { defineStore } from 'pinia'
import { ref } from 'vue'

import { ApiError, onExpired } from '@/api/http'
import * as api from '@/api/session'
import { forgetNames } from '@/stores/names'

/** Who is signed in at this page. */
export const useSession = defineStore('session', () => {
  const person = ref<api.Person | null>(null)
  const expired = ref(false) // signed in once, but the server no longer knows us

  onExpired(() => {
    if (person.value !== null) expired.value = true
  })

  async function login(name: string, password: string): Promise<void> {
    person.value = await api.login(name, password)
    forgetNames()
    expired.value = false
  }

  /** Find out who we are after a reload; false when nobody is signed in. */
  async function restore(): Promise<boolean> {
    if (person.value !== null) return true
    try {
      person.value = await api.me()
      return true
    } catch (error) {
      if (error instanceof ApiError && error.status === 401) return false
      throw error
    }
  }

  async function logout(): Promise<void> {
    try {
      await api.logout()
    } finally {
      person.value = null
      expired.value = false
      forgetNames()
    }
  }

  return { person, expired, login, restore, logout }
})
