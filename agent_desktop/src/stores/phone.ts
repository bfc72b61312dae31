import { ElMessage } from 'element-plus/es/components/message/index.mjs'
import { defineStore } from 'pinia'
import { computed, ref, shallowRef, watch } from 'vue'

import { ApiError } from '@/api/http'
import { phoneAccount } from '@/api/session'
import { canShare, others } from '@/live/sharing'
import { deskPhone, type PhoneKind } from '@/phone/deskphone'
import { silentPhone, step, type Phone, type PhoneEvent } from '@/phone/machine'
import { closeMicrophone, MicrophoneError, microphonePermission, openMicrophone } from '@/phone/microphone'
import type { Heard } from '@/phone/quality'
import { Ringer } from '@/phone/ringer'
import { CAMERA, cameraReady } from '@/phone/video'
import { QualityWatch } from '@/phone/watch'
import type { Offered } from '@/phone/offer'
import type { PhoneAccount, Softphone } from '@/phone/softphone'

import { useDevices } from './devices'
import { useLive } from './live'

const KIND = 'hotline.phone.kind'
const LOCK = 'hotline.phone'
const ACCOUNT_RETRY_MS = 5000
const LEFTOVER_MS = 5000
const SETTLED_MS = 150 // so long the server's word and Asterisk's may come one after the other
const SILENT_MS = 400 // a browser that allows sound has begun by then

/** The softphone of this page: one window of a browser holds it, and it lives on its own, whatever the desk's link does. */
export const usePhone = defineStore('phone', () => {
  const live = useLive()
  const own = ref<Phone>(silentPhone())
  const kind = ref<PhoneKind>(localStorage.getItem(KIND) === 'desk' ? 'desk' : 'browser')
  const phone = computed(() => (kind.value === 'desk' ? deskPhone(live.me, live.call) : own.value))
  const extension = ref('')
  const microphone = ref<MicrophoneError | null>(null)
  const audioBlocked = ref(false)
  const noPath = ref(false) // the call is up but no audio can pass
  const ringSilent = ref(false) // the browser allows no sound before the first click
  const offered = ref<Offered | null>(null) // what the call in hand came with
  const localStream = shallowRef<MediaStream | null>(null)
  const remoteStream = shallowRef<MediaStream | null>(null)
  const videoWanted = shallowRef<MediaTrackConstraints | null>(null) // the camera for calls with video
  const heard = ref<Heard | null>(null) // how the call sounded over the last two seconds
  const ringer = new Ringer()
  const devices = useDevices()
  let watching: QualityWatch | null = null
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
    if (account.extension === '' || account.ws_url === '' || kind.value === 'desk') return
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
    devices.start()
    void lookForCamera()
    void ringer.at(devices.used.ring, devices.used.second)
    soft.value = new Softphone(account, {
      happened,
      microphone: (error) => (microphone.value = error),
      audioBlocked: (blocked) => (audioBlocked.value = blocked),
      silent: (silent) => (noPath.value = silent),
      offered: (offer) => (offered.value = offer),
      media: (local, remote) => {
        localStream.value = local
        remoteStream.value = remote
      },
      fellBack: (device) => void fellBack(device),
      connection: measure,
    }, {
      microphone: () => devices.used.microphone,
      speaker: () => devices.used.speaker,
      video: () => videoWanted.value,
    })
    soft.value.start()
  }

  /** Begin to measure a call's sound, or end it with the call. */
  function measure(connection: RTCPeerConnection | null): void {
    watching?.stop()
    watching = null
    heard.value = null
    if (connection === null) return
    watching = new QualityWatch(connection, {
      heard: (now) => (heard.value = now),
      report: (interval) => report(interval),
    })
    watching.start()
  }

  function report(interval: Heard): void {
    const call_id = live.call?.call_id
    if (call_id === undefined || live.link !== 'open') return
    void live.send({ type: 'report_quality', call_id, ...interval }).catch(() => undefined) // figures, not orders
  }

  /** The microphone in use was pulled out: another one takes over, or the agent is told what to do. */
  async function fellBack(device: 'microphone' | 'speaker'): Promise<void> {
    if (device === 'speaker') {
      ElMessage({ message: '听筒不可用，改用系统默认设备', type: 'warning', duration: 8000, showClose: true })
      return
    }
    await devices.look()
    await useDevicesNow()
  }

  async function useDevicesNow(): Promise<void> {
    void ringer.at(devices.used.ring, devices.used.second)
    try {
      await soft.value?.devicesChanged()
      microphone.value = null
    } catch (error) {
      if (!(error instanceof MicrophoneError)) throw error
      microphone.value = error
    }
  }

  function hush(): void {
    soft.value?.stop()
    soft.value = null
    if (own.value.call !== 'idle') happened({ kind: 'gone', reason: '', at: Date.now() })
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
    own.value = step(own.value, event)
    if (event.kind === 'incoming' && offered.value?.auto) void answerByItself()
    else if (own.value.call === 'ringing') void ring()
    else ringer.stop()
    if (event.kind === 'registered') askBack()
  }

  /** A call that policy answers, or that we are taken back into: without a click, where that asks the agent nothing. */
  async function answerByItself(): Promise<void> {
    if ((await microphonePermission()) !== 'granted') return ring()
    if (own.value.call !== 'ringing') return
    if (offered.value?.rejoin === '') ringer.beep()
    await pickUp()
  }

  /** Whatever page is open: a call with video is answered with the camera that is there now. */
  async function pickUp(): Promise<void> {
    if (offered.value?.video === true) await lookForCamera()
    if (own.value.call === 'ringing') await soft.value?.answer()
  }

  async function lookForCamera(): Promise<void> {
    videoWanted.value = (await cameraReady()) ? CAMERA : null
  }

  /** Our talk goes on without us: this page was loaded anew, or its leg was lost. The server rings us for it again. */
  function askBack(): void {
    window.setTimeout(() => {
      const call = live.call
      if (call === null || live.link !== 'open' || own.value.line !== 'registered' || own.value.call !== 'idle') return
      if (canShare(call, live.me?.agent_id ?? '')) void live.send({ type: 'rejoin', call_id: call.call_id }).catch(() => undefined)
    }, SETTLED_MS)
  }

  async function ring(): Promise<void> {
    ringer.start()
    window.setTimeout(() => (ringSilent.value = own.value.call === 'ringing' && !ringer.audible), SILENT_MS)
    await wake()
  }

  /** Any click or key lets the browser make sound. */
  async function wake(): Promise<void> {
    if (await ringer.wake()) ringSilent.value = false
    if (audioBlocked.value) await soft.value?.unblockAudio()
  }

  /** Ask for the microphone before the first call, where the agent expects the question; true when it works. */
  async function checkMicrophone(): Promise<boolean> {
    if (soft.value === null || own.value.call !== 'idle') return microphone.value === null
    if ((await microphonePermission()) === 'granted' && microphone.value === null) return true
    try {
      closeMicrophone(await openMicrophone(devices.used.microphone))
      microphone.value = null
      void devices.look() // now their names are told
      return true
    } catch (error) {
      if (!(error instanceof MicrophoneError)) throw error
      microphone.value = error
      return false
    }
  }

  /** Another telephone, remembered by this browser; not in the middle of a call. */
  async function use(what: PhoneKind): Promise<void> {
    if (what === kind.value || busy.value) return
    localStorage.setItem(KIND, what)
    stop()
    kind.value = what
    await start()
  }

  /** The desk phone does what the server tells it; false where the page's own softphone is used. */
  function byServer(type: 'answer_phone' | 'hang_up_phone'): boolean {
    const call_id = live.call?.call_id
    if (kind.value !== 'desk') return false
    if (call_id !== undefined) void live.command({ type, call_id })
    return true
  }

  async function answer(): Promise<void> {
    if (phone.value.call === 'ringing' && byServer('answer_phone')) return
    await pickUp()
  }

  function toggleHold(): void {
    const call_id = live.call?.call_id
    if (kind.value === 'browser') soft.value?.toggleHold()
    else if (call_id !== undefined) void live.command({ type: 'hold_phone', call_id, on: !phone.value.held })
  }

  function hangUp(): void {
    if (busy.value && byServer('hang_up_phone')) return
    if (['ringing', 'answering', 'talking'].includes(own.value.call)) soft.value?.hangUp()
  }

  watch(() => devices.used, () => void useDevicesNow(), { deep: true })
  watch(() => devices.devices, () => void lookForCamera()) // looked through anew whenever one comes or goes

  // The server says the call is over but no BYE reached us (the line to Asterisk broke in between): do not stay in it.
  live.onMessage((message) => {
    if (message.type === 'snapshot' && message.call) askBack()
    if (message.type !== 'call_view' || message.call_id !== live.call?.call_id) return
    if (message.state !== 'ended' && message.state !== 'wrap_up' && message.state !== 'survey') return
    if (others(message).length > 0) return // the citizen has gone, but 110 still asks the agent
    const id = soft.value?.sessionId ?? null
    if (id === null) return
    window.setTimeout(() => {
      if (soft.value?.sessionId === id && own.value.call === 'talking') soft.value.hangUp()
    }, LEFTOVER_MS)
  })

  return {
    phone, extension, microphone, audioBlocked, noPath, ringSilent, busy, offered, localStream, remoteStream, heard,
    start, stop, takeOver, wake, checkMicrophone, answer, hangUp,
    kind, use, toggleHold,
    toggleMute: () => soft.value?.toggleMute(),
    press: (tone: string) => soft.value?.press(tone) ?? false,
    tryRing: () => ringer.wake().then(() => ringer.burst()),
  }
})
