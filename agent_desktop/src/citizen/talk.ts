/** A citizen's visit to the hotline: what the page knows, and what the citizen can do. */

import { computed, ref, shallowRef } from 'vue'

import { ApiError } from '@/api/http'
import type { CitizenMessage, CitizenView, TextLine } from '@/live/protocol'
import { openForVideo, type Opened } from '@/phone/video'
import { MicrophoneError, openMicrophone } from '@/phone/microphone'

import { begin, type Way } from './api'
import { CitizenCall } from './call'
import { CitizenLink } from './link'
import { Unsent, type Kept } from './unsent'

const SESSION = 'hotline.citizen.session'
const TYPING_MS = 250
const NO_CAMERA = '对方没有开启摄像头'

const kept: Kept = {
  get: (key) => sessionStorage.getItem(key),
  set: (key, value) => sessionStorage.setItem(key, value),
  drop: (key) => sessionStorage.removeItem(key),
}

export type Talk = ReturnType<typeof useTalk>

export function useTalk() {
  const way = ref<Way | null>(null)
  const view = shallowRef<CitizenView | null>(null)
  const lines = ref<TextLine[]>([])
  const pending = ref<[string, string][]>([])
  const typing = ref('')
  const online = ref(true)
  const problem = ref('')
  const busy = ref(false)
  const remote = shallowRef<MediaStream | null>(null)
  const local = shallowRef<Opened | null>(null)
  const muted = ref(false)
  const dark = ref(false)
  const finished = ref(false)
  const unsent = new Unsent(kept)
  let link: CitizenLink | null = null
  let call: CitizenCall | null = null
  let typingTimer = 0

  const ended = computed(() => finished.value || view.value?.state === 'ended')

  /** Go on with what was begun before the page was loaded anew. */
  function resume(): void {
    const before = kept.get(SESSION)
    if (before === null) return
    const [token, media] = before.split(' ')
    if (token === undefined || media !== 'text') return kept.drop(SESSION) // a spoken call ends with its page
    way.value = 'text'
    connect(token)
  }

  async function start(media: Way, contact: string, textOnly: boolean): Promise<void> {
    if (busy.value) return
    busy.value = true
    problem.value = ''
    try {
      const opened = media === 'text' ? null : await open(media)
      const begun = await begin(media, contact, textOnly)
      reset()
      way.value = media
      local.value = opened
      if (media === 'text') kept.set(SESSION, `${begun.token} ${media}`)
      connect(begun.token)
      if (begun.phone !== null && opened !== null) {
        call = new CitizenCall(begun.phone, opened.stream, media === 'video', {
          up: () => undefined,
          remote: (stream) => (remote.value = stream),
          ended: (reason) => {
            if (reason !== '') problem.value = reason
            finished.value = true
            remote.value = null
          },
        })
        call.start()
      }
    } catch (error) {
      if (!(error instanceof ApiError) && !(error instanceof MicrophoneError)) throw error
      problem.value = error instanceof MicrophoneError ? `${error.message}也可以改用文字交流。` : error.message
    } finally {
      busy.value = false
    }
  }

  async function open(media: Way): Promise<Opened> {
    if (media === 'video') return openForVideo(NO_CAMERA)
    return { stream: await openMicrophone('', null), camera: false, microphone: true, forbidden: false }
  }

  function connect(token: string): void {
    const scheme = location.protocol === 'https:' ? 'wss' : 'ws'
    link = new CitizenLink(`${scheme}://${location.host}/api/citizen/ws`, token, {
      message: received,
      open: (open) => {
        online.value = open
        if (open) for (const [id, text] of unsent.all) link?.say({ type: 'write_text', ref: '', line_id: id, text })
      },
      over: () => {
        online.value = true
        finished.value = true
      },
    })
    link.start()
  }

  function received(message: CitizenMessage): void {
    switch (message.type) {
      case 'citizen_view':
        if (view.value?.state !== message.state && message.state !== 'ended') problem.value = ''
        view.value = message
        if (message.state !== 'talking' && message.state !== 'held') typing.value = ''
        if (message.state === 'ended') closed()
        return
      case 'text_line': {
        const at = lines.value.findIndex((one) => one.line_id === message.line_id)
        if (at >= 0) lines.value[at] = message
        else lines.value.push(message)
        if (message.by === 'agent') typing.value = ''
        return
      }
      case 'text_typing':
        typing.value = message.text
        return
      case 'line_taken':
        unsent.taken(message.line_id)
        pending.value = unsent.all
        return
      case 'refused':
        problem.value = message.text
        return
    }
  }

  function write(text: string): void {
    const said = text.trim()
    if (said === '') return
    const id = `${Date.now().toString(36)}-${Math.random().toString(36).slice(2, 10)}`
    unsent.add(id, said)
    pending.value = unsent.all
    window.clearTimeout(typingTimer)
    link?.say({ type: 'write_text', ref: '', line_id: id, text: said })
    link?.say({ type: 'write_text', ref: '', text: '', final: false })
  }

  /** What is being written is seen by the agent as it grows. */
  function grows(text: string): void {
    window.clearTimeout(typingTimer)
    typingTimer = window.setTimeout(() => link?.say({ type: 'write_text', ref: '', text, final: false }), TYPING_MS)
  }

  function rate(score: number): void {
    link?.say({ type: 'give_rating', ref: '', score })
  }

  function textOnly(on: boolean): void {
    link?.say({ type: 'ask_text_only', ref: '', on })
  }

  function mute(on: boolean): void {
    muted.value = on
    call?.send('audio', !on)
  }

  function hide(on: boolean): void {
    dark.value = on
    call?.send('video', !on)
  }

  function leave(): void {
    link?.say({ type: 'leave', ref: '' })
    call?.hangUp()
  }

  function closed(): void {
    kept.drop(SESSION)
    unsent.clear()
    pending.value = []
    call?.hangUp()
  }

  function reset(): void {
    link?.stop()
    call = null
    view.value = null
    lines.value = []
    pending.value = []
    typing.value = ''
    remote.value = null
    local.value = null
    finished.value = false
    muted.value = dark.value = false
    unsent.clear()
  }

  /** Back to the choice of ways. */
  function again(): void {
    reset()
    kept.drop(SESSION)
    way.value = null
    problem.value = ''
  }

  return {
    way, view, lines, pending, typing, online, problem, busy, remote, local, muted, dark, ended,
    resume, start, write, grows, rate, textOnly, mute, hide, leave, again,
    stop: () => {
      link?.stop()
      call?.hangUp()
    },
  }
}
