/** Tells a page that orders went on: by the live line where the person may watch, and every so often in any case. */

import { onBeforeUnmount, onMounted } from 'vue'

import type { ClockCrossed, InboxChanged, OrderMoved } from '@/live/protocol'
import { useLive } from '@/stores/live'
import { useSession } from '@/stores/session'

const EVERY_MS = 20_000
const WATCH_ALL: readonly string[] = ['clerk', 'supervisor', 'admin', 'leader', 'auditor']

export interface News {
  moved?: (message: OrderMoved) => void
  crossed?: (message: ClockCrossed) => void // a time limit is near or over
  counted?: (message: InboxChanged) => void
  look: () => void // nothing may have happened: look again
}

/** Begin to hear; `watch` changes the inbox that is followed ('' for all orders). */
export function useNews(news: News): { watch: (unit: string) => void } {
  const live = useLive()
  const session = useSession()
  const endings: Array<() => void> = []
  let leave: (() => void) | null = null
  let topic = ''

  function watch(unit: string): void {
    const all = WATCH_ALL.includes(session.person?.role ?? '')
    const wanted = unit !== '' ? `unit:${unit}` : all ? 'orders' : ''
    if (wanted === topic) return
    leave?.()
    topic = wanted
    leave = wanted === '' ? null : live.watchTopic(wanted)
  }

  onMounted(() => {
    endings.push(
      live.onMessage((message) => {
        if (message.type === 'order_moved') news.moved?.(message)
        else if (message.type === 'clock_crossed') news.crossed?.(message)
        else if (message.type === 'inbox_changed') news.counted?.(message)
      }),
    )
    const timer = window.setInterval(() => document.visibilityState === 'visible' && news.look(), EVERY_MS)
    const back = (): void => news.look()
    window.addEventListener('focus', back)
    endings.push(
      () => window.clearInterval(timer),
      () => window.removeEventListener('focus', back),
    )
  })
  onBeforeUnmount(() => {
    leave?.()
    for (const end of endings) end()
  })
  return { watch }
}
