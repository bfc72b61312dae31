import { defineStore } from 'pinia'
import { computed, ref, watch } from 'vue'

import { CommandFailed } from '@/live/link'
import type { Conversation } from '@/live/texts'
import { confirmed, lineId, only, readHalves, tried, written, type Halves } from '@/live/unsaid'
import { Ringer } from '@/phone/ringer'

import { useDevices } from './devices'
import { useLive } from './live'

const TYPING_MS = 250
const KEY = 'hotline.unsaid'

/** The conversations of this desk, and what is written beside a video call. */
export const useTexts = defineStore('texts', () => {
  const live = useLive()
  const devices = useDevices()
  const texts = computed(() => live.state.texts)
  const ringer = new Ringer()
  const halves = ref<Halves>(readHalves(sessionStorage.getItem(KEY)))
  const timers = new Map<string, number>() // by call: what is typed is shown to its citizen a moment later

  const all = computed<Conversation[]>(() => texts.value.order.flatMap((id) => texts.value.open[id] ?? []))
  const front = computed<Conversation | null>(() => texts.value.open[texts.value.front] ?? null)
  const ringing = computed(() => all.value.filter((one) => one.call.state === 'ringing' && one.call.agent_id === live.me?.agent_id))
  const others = computed(() => all.value.filter((one) => !ringing.value.includes(one)))
  /** How it rings: in a talk one short tone at a time. */
  const loud = computed(() => (ringing.value.length === 0 ? 'not' : live.me?.state === 'talking' ? 'beep' : 'ring'))

  // the order form follows the conversation in front; a ringing telephone brings the spoken call back
  watch(front, (one) => live.focus(one === null ? null : { drafts: one.drafts, advice: one.advice }))
  watch(() => live.call?.state, (state) => state === 'ringing' && show(''))
  watch(loud, () => void ring())
  watch(() => devices.used, () => void ringer.at(devices.used.ring, devices.used.second), { deep: true })
  watch(halves, (now) => sessionStorage.setItem(KEY, JSON.stringify(now)))
  watch(() => [live.me, texts.value.order, live.call?.call_id] as const, ([me, order, spoken]) => {
    if (me !== null) halves.value = only(halves.value, spoken === undefined ? order : [...order, spoken])
  })

  /** It rings again and again, wherever the person is in the desk, at the devices chosen for rings. */
  async function ring(): Promise<void> {
    const over = (): boolean => loud.value === 'not'
    ringer.stop()
    if (over()) return
    devices.start()
    await ringer.at(devices.used.ring, devices.used.second)
    await ringer.wake()
    if (over()) return // taken or gone while the browser allowed no sound
    ringer.stop()
    ringer.start(loud.value === 'beep')
  }

  function show(call_id: string): void {
    live.showText(call_id)
  }

  /** The next conversation comes to the front; after the last one the spoken call, then the first. */
  function turn(): void {
    const ids = ['', ...others.value.map((one) => one.call.call_id)]
    show(ids[(ids.indexOf(texts.value.front) + 1) % ids.length] ?? '')
  }

  async function answer(call_id: string): Promise<boolean> {
    const taken = await live.command({ type: 'answer_text', call_id })
    if (taken) show(call_id)
    return taken
  }

  function refuse(call_id: string): void {
    void live.command({ type: 'refuse_text', call_id })
  }

  /** What stands half written in a conversation. */
  function unsaid(call_id: string): string {
    return halves.value[call_id]?.text ?? ''
  }

  /** The agent types; the citizen of this conversation sees it grow. */
  function write(call_id: string, text: string): void {
    halves.value = written(halves.value, call_id, text)
    grows(call_id)
  }

  /** Send what is written; true when the server has it. Tried again it is the same line. */
  async function say(call_id: string): Promise<boolean> {
    const said = unsaid(call_id).trim()
    if (said === '') return false
    const line_id = lineId(halves.value, call_id, said, freshId)
    halves.value = tried(halves.value, call_id, said, line_id)
    quiet(call_id)
    if (!(await live.command({ type: 'say_text', call_id, text: said, line_id }))) return false
    halves.value = confirmed(halves.value, call_id, said)
    grows(call_id)
    return true
  }

  function grows(call_id: string): void {
    quiet(call_id)
    const timer = window.setTimeout(() => {
      timers.delete(call_id)
      if (live.link !== 'open') return
      live.send({ type: 'say_text', call_id, text: unsaid(call_id), final: false }).catch((error: unknown) => {
        if (!(error instanceof CommandFailed)) throw error // the line itself is what counts
      })
    }, TYPING_MS)
    timers.set(call_id, timer)
  }

  function quiet(call_id: string): void {
    window.clearTimeout(timers.get(call_id))
    timers.delete(call_id)
  }

  /** Signed out: nothing of it stays in this browser. */
  function forget(): void {
    for (const call_id of timers.keys()) quiet(call_id)
    halves.value = {}
    sessionStorage.removeItem(KEY)
  }

  const end = (call_id: string): void => void live.command({ type: 'end_text', call_id })
  const leave = (call_id: string): void => void live.command({ type: 'leave_text', call_id })
  const move = (call_id: string, queue: string): void => void live.command({ type: 'move_text', call_id, queue })
  const textOnly = (call_id: string, on: boolean): void => void live.command({ type: 'set_text_only', call_id, on })

  return { texts, all, others, front, ringing, show, turn, answer, refuse, unsaid, write, say, forget, end, leave, move, textOnly }
})

function freshId(): string {
  return `${Date.now().toString(36)}-${Math.random().toString(36).slice(2, 10)}`
}
