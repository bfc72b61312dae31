import { defineStore } from 'pinia'
import { computed, ref, shallowRef } from 'vue'

import { ApiError } from '@/api/http'
import { phoneAccount } from '@/api/session'
import { others } from '@/live/sharing'
import { silentPhone, step, type Phone, type PhoneEvent } from '@/phone/machine'
import { closeMicrophone, MicrophoneError, microphonePermission, openMicrophone } from '@/phone/microphone'
import { Ringer } from '@/phone/ringer'
import type { PhoneAccount, Softphone } from '@/phone/softphone'

import { useLive } from './live'

const LOCK = 'hotline.phone'
const ACCOUNT_RETRY_MS = 5000
const LEFTOVER_MS = 5000
const SILENT_MS = 400 // a browser that allows sound has begun by then

/** The softphone of this page: one window of a browser holds it, and it lives on its own, whatever the desk's link does. */
export const usePhone = defineStore('phone', () => {
  const live = useLive()
  const phone = ref<Phone>(silentPhone())
  const extension = ref('')
  const microphone = ref<MicrophoneError | null>(null)
  const audioBlocked = ref(false)
  const noPath = ref(false) // the call is up but no audio can pass
  const ringSilent = ref(false) // the browser allows no sound before the first click
  const ringer = new Ringer()
  const soft = shallowRef<Softphone | null>(null)
  let generation = 0
  let release: (() => void) | null = null

  const busy = computed(() => phone.value.call !== 'idle')

  async function start(): Promise<void> {
    generation += 1
    const mine = generation
    const account = await fetchAccount(mine)
    if (account === null || mine !== generation) return
    extension.value = account.extension
    if (account.extension === '' || account.ws_url === '') return
    void holdPhone(account, mine, false)
  }

  /** Ask until the server answers; null for people without a phone, or when signed out meanwhile. */
  async function fetchAccount(mine: number): Promise<PhoneAccount | null> {
    while (mine === generation) {
      try {
        return await phoneAccount()
      } catch (error) {
        if (!(error instanceof ApiError)) throw error
        if (error.status !== 0 && error.status < 500) return null
        await new Promise((resolve) => window.setTimeout(resolve, ACCOUNT_RETRY_MS))
      }
    }
    return null
  }

  /** Two windows must not both ring: the first holds the phone, another takes it over only when asked to. */
  async function holdPhone(account: PhoneAccount, mine: number, steal: boolean): Promise<void> {
    if (!navigator.locks) return run(account, mine)
    const held = new Promise<void>((resolve) => (release = resolve))
    const query = await navigator.locks.query()
    if (mine !== generation) return
    if (!steal && query.held?.some((lock) => lock.name === LOCK)) happened({ kind: 'taken' })
    try {
      await navigator.locks.request(LOCK, { steal }, async () => {
        if (mine !== generation) return
        await run(account, mine)
        await held
      })
    } catch (error) {
      if (!(error instanceof DOMException && error.name === 'AbortError') || mine !== generation) return
      hush()
      happened({ kind: 'taken' })
      void holdPhone(account, mine, false) // wait for our turn again
    }
  }

  async function takeOver(): Promise<void> {
    generation += 1
    release?.()
    const mine = generation
    const account = await fetchAccount(mine)
    if (account !== null) void holdPhone(account, mine, true)
  }

  async function run(account: PhoneAccount, mine: number): Promise<void> {
    const { Softphone } = await import('@/phone/softphone')
    if (mine !== generation) return
    happened({ kind: 'start' })
    soft.value = new Softphone(account, {
      happened,
      microphone: (error) => (microphone.value = error),
      audioBlocked: (blocked) => (audioBlocked.value = blocked),
      silent: (silent) => (noPath.value = silent),
    })
    soft.value.start()
  }

  function hush(): void {
    soft.value?.stop()
    soft.value = null
    if (phone.value.call !== 'idle') happened({ kind: 'gone', reason: '', at: Date.now() })
  }

  function stop(): void {
    generation += 1
    hush()
    release?.()
    release = null
    happened({ kind: 'stop' })
    extension.value = ''
    microphone.value = null
  }

  function happened(event: PhoneEvent): void {
    phone.value = step(phone.value, event)
    if (phone.value.call === 'ringing') void ring()
    else ringer.stop()
  }

  async function ring(): Promise<void> {
    ringer.start()
    window.setTimeout(() => (ringSilent.value = phone.value.call === 'ringing' && !ringer.audible), SILENT_MS)
    await wake()
  }

  /** Any click or key lets the browser make sound. */
  async function wake(): Promise<void> {
    if (await ringer.wake()) ringSilent.value = false
    if (audioBlocked.value) await soft.value?.unblockAudio()
  }

  /** Ask for the microphone before the first call, where the agent expects the question; true when it works. */
  async function checkMicrophone(): Promise<boolean> {
    if (soft.value === null || phone.value.call !== 'idle') return microphone.value === null
    if ((await microphonePermission()) === 'granted' && microphone.value === null) return true
    try {
      closeMicrophone(await openMicrophone())
      microphone.value = null
      return true
    } catch (error) {
      if (!(error instanceof MicrophoneError)) throw error
      microphone.value = error
      return false
    }
  }

  async function answer(): Promise<void> {
    if (phone.value.call === 'ringing') await soft.value?.answer()
  }

  function hangUp(): void {
    if (['ringing', 'answering', 'talking'].includes(phone.value.call)) soft.value?.hangUp()
  }

  // The server says the call is over but no BYE reached us (the line to Asterisk broke in between): do not stay in it.
  live.onMessage((message) => {
    if (message.type !== 'call_view' || message.call_id !== live.call?.call_id) return
    if (message.state !== 'ended' && message.state !== 'wrap_up' && message.state !== 'survey') return
    if (others(message).length > 0) return // the citizen has gone, but 110 still asks the agent
    const id = soft.value?.sessionId ?? null
    if (id === null) return
    window.setTimeout(() => {
      if (soft.value?.sessionId === id && phone.value.call === 'talking') soft.value.hangUp()
    }, LEFTOVER_MS)
  })

  return {
    phone, extension, microphone, audioBlocked, noPath, ringSilent, busy,
    start, stop, takeOver, wake, checkMicrophone, answer, hangUp,
    toggleHold: () => soft.value?.toggleHold(),
    toggleMute: () => soft.value?.toggleMute(),
    press: (tone: string) => soft.value?.press(tone) ?? false,
  }
})
