import { ElMessage } from 'element-plus/es/components/message/index.mjs'
import { defineStore } from 'pinia'
import { computed, ref, shallowRef } from 'vue'

import { ApiError } from '@/api/http'
import { me } from '@/api/session'
import { CommandFailed, Link, type LinkState } from '@/live/link'
import type { AdviceView, Command, DraftView, NotReadyReason, ServerMessage } from '@/live/protocol'
import { apply, emptyState, type LiveState } from '@/live/state'
import { inFront } from '@/live/texts'
import { withoutWords } from '@/live/words'

type Listener = (message: ServerMessage) => void

/** What the order form shows of a conversation that is in front of the spoken call. */
export interface Focus {
  drafts: DraftView[]
  advice: Record<string, AdviceView>
}

/** What the server tells this page, and the way to ask it for something. */
export const useLive = defineStore('live', () => {
  const state = shallowRef<LiveState>(emptyState())
  const link = ref<LinkState>('off')
  const retryAt = ref<number | null>(null)
  const afterTalk = ref<NotReadyReason | null>(null) // 示忙 asked for during a call
  const listeners = new Set<Listener>()
  const lost = new Set<() => void>()
  const topics = new Map<string, number>() // what the open pages watch, and how many parts of them
  let line: Link | null = null

  const me_ = computed(() => state.value.me)
  const call = computed(() => state.value.call)
  const focused = shallowRef<Focus | null>(null) // the conversation in front of the spoken call
  const drafts = computed(() => focused.value?.drafts ?? state.value.drafts)
  const wanted = ref('') // the order whose form is asked for
  const draft = computed(() => draftOf(wanted.value) ?? drafts.value[0] ?? null) // the one in the form
  const advice = computed(() => (draft.value === null ? null : ((focused.value ?? state.value).advice[draft.value.order_id] ?? null)))
  const unfinished = computed(() => state.value.drafts.filter((one) => one.state === 'draft'))

  function start(): void {
    if (line !== null) return
    const scheme = location.protocol === 'https:' ? 'wss' : 'ws'
    line = new Link(`${scheme}://${location.host}/api/ws`, { message: received, state: changed, refused })
    line.start()
  }

  function stop(): void {
    line?.stop()
    line = null
    state.value = emptyState()
    afterTalk.value = null
  }

  function received(message: ServerMessage): void {
    state.value = apply(state.value, message, Date.now() / 1000)
    if (message.type === 'notice') ElMessage({ message: message.text, type: message.level, duration: 6000, showClose: true })
    const own = state.value.me?.state
    if (own !== 'talking' && own !== 'wrap_up') afterTalk.value = null
    for (const listener of listeners) listener(message)
  }

  function changed(next: LinkState, at: number | null): void {
    const wasOpen = link.value === 'open'
    link.value = next
    retryAt.value = at
    if (!wasOpen && next === 'open' && topics.size > 0) tellTopics()
    if (wasOpen && next !== 'open') for (const listener of lost) listener()
  }

  async function refused(): Promise<boolean> {
    try {
      await me()
      return true
    } catch (error) {
      return !(error instanceof ApiError && error.status === 401)
    }
  }

  /** Carry a command out and say what went wrong, if anything; true when it was done. */
  async function command(what: Command): Promise<boolean> {
    try {
      await send(what)
      if (what.type === 'not_ready' && (me_.value?.state === 'talking' || me_.value?.state === 'wrap_up')) {
        afterTalk.value = what.reason
      }
      if (what.type === 'ready') afterTalk.value = null
      return true
    } catch (error) {
      if (!(error instanceof CommandFailed)) throw error
      ElMessage({ message: error.message, type: 'error', duration: 6000, showClose: true })
      return false
    }
  }

  /** Send a command; throws CommandFailed. */
  function send(what: Command, reference?: string): Promise<void> {
    if (line === null) return Promise.reject(new CommandFailed('尚未登录', false))
    return line.send(what, reference)
  }

  function nextRef(): string {
    return line?.nextRef() ?? ''
  }

  function draftOf(order_id: string): DraftView | null {
    return [...drafts.value, ...state.value.drafts].find((one) => one.order_id === order_id) ?? null
  }

  /** Let the order form follow a conversation, or (null) the spoken call again. */
  function focus(on: Focus | null): void {
    focused.value = on
  }

  function showOrder(order_id: string): void {
    wanted.value = order_id
  }

  /** Another conversation comes to the front, or with '' the spoken call. */
  function showText(call_id: string): void {
    state.value = { ...state.value, texts: inFront(state.value.texts, call_id) }
  }

  /** The person has read these words of a supervisor. */
  function wordsRead(message_id: string): void {
    state.value = { ...state.value, words: withoutWords(state.value.words, message_id) }
  }

  /** A queue's Chinese name, as far as the server has told it. */
  function queueTitle(queue: string): string {
    return state.value.queues.find((one) => one.queue === queue)?.title ?? queue
  }

  /** Hear every message from now on (the snapshot may have come before: what it told is in `state`); returns how to stop. */
  function onMessage(listener: Listener): () => void {
    listeners.add(listener)
    return () => listeners.delete(listener)
  }

  /** Ask who could take a call; the answer comes as targets_view. Nobody minds when it does not: it is asked again. */
  function findTargets(text: string): void {
    if (link.value === 'open') send({ type: 'find_targets', text }).catch((error: unknown) => {
      if (!(error instanceof CommandFailed)) throw error
    })
  }

  /** Be told of a topic ("floor", "wallboard", "call:<id>") from now on, also after the line was lost; returns how to stop. */
  function watchTopic(topic: string): () => void {
    topics.set(topic, (topics.get(topic) ?? 0) + 1)
    tellTopics()
    return () => {
      const left = (topics.get(topic) ?? 1) - 1
      if (left > 0) topics.set(topic, left)
      else topics.delete(topic)
      tellTopics()
    }
  }

  function tellTopics(): void {
    if (link.value === 'open') void command({ type: 'watch', topics: [...topics.keys()] })
  }

  function onLost(listener: () => void): void {
    lost.add(listener)
  }

  /** Signed in again after the session ran out. */
  function resume(): void {
    if (line === null) return start()
    line.stop()
    line.start()
  }

  return {
    state, link, retryAt, afterTalk, me: me_, call, drafts, draft, advice, unfinished,
    draftOf, showOrder, focus, start, stop, resume, command, send, findTargets, nextRef, queueTitle, onMessage, onLost, watchTopic, showText, wordsRead, hurry: () => line?.hurry(),
  }
})
