/** What every part of the wall reads: the newest view, how old it is, and what figures mean. */

import { computed, onBeforeUnmount, onMounted, ref, shallowRef, type ComputedRef, type InjectionKey, type Ref, type ShallowRef } from 'vue'

import { ApiError } from '@/api/http'
import { getDefinitions, type Definition } from '@/api/boards'
import type { WallboardView } from '@/live/protocol'
import { useLive } from '@/stores/live'
import { serverTime, useNow } from '@/stores/now'

export const STALE_S = 5

export interface Board {
  view: ShallowRef<WallboardView | null>
  now: ComputedRef<number> // the server's clock
  stale: ComputedRef<boolean> // the link is lost, or nothing came for a while
  age: ComputedRef<number> // seconds since the newest view
  definitions: Ref<Record<string, Definition>>
  causes: Ref<Record<string, { title: string; rule: string }>>
  explained: Ref<string | null> // section of the definitions that is open
}

export const BOARD: InjectionKey<Board> = Symbol('board')

/** Watch the wallboard while the page is open. */
export function watchBoard(): Board {
  const live = useLive()
  const ours = useNow()
  const view = shallowRef<WallboardView | null>(null)
  const definitions = ref<Record<string, Definition>>({})
  const causes = ref<Record<string, { title: string; rule: string }>>({})
  const now = computed(() => serverTime(ours.value))
  const age = computed(() => (view.value === null ? 0 : Math.max(0, now.value - view.value.at)))
  const stale = computed(() => view.value !== null && (live.link !== 'open' || age.value > STALE_S))
  const explained = ref<string | null>(null)
  const endings: Array<() => void> = []

  onMounted(() => {
    endings.push(live.onMessage((message) => {
      if (message.type === 'wallboard_view') view.value = message
    }))
    endings.push(live.watchTopic('wallboard'))
    void read()
  })
  onBeforeUnmount(() => endings.forEach((end) => end()))

  async function read(): Promise<void> {
    try {
      const found = await getDefinitions()
      definitions.value = Object.fromEntries(found.figures.map((one) => [one.key, one]))
      causes.value = Object.fromEntries(found.causes.map((one) => [one.key, one]))
    } catch (error) {
      if (!(error instanceof ApiError)) throw error // without them the figures stand without their formulas
    }
  }
  return { view, now, stale, age, definitions, causes, explained }
}

/** A figure as people read it; "—" where there is nothing to count. */
export function shown(value: number | null | undefined, unit: Definition['unit']): string {
  if (value === null || value === undefined) return '—'
  if (unit === 'share') return `${(value * 100).toFixed(1)}%`
  if (unit === 'seconds') return value >= 60 ? `${Math.floor(value / 60)}:${String(Math.floor(value % 60)).padStart(2, '0')}` : `${value.toFixed(value < 10 && value % 1 !== 0 ? 1 : 0)} 秒`
  if (unit === 'score') return value.toFixed(2)
  return value.toLocaleString('zh-CN')
}

/** The key of a figure's definition: "today.answer_rate" is explained as "answer_rate". */
export function definitionKey(figure: string): string {
  const name = figure.split(':')[0] ?? figure
  return name.startsWith('live.') ? name : name.replace(/^(today|rolling)\./, '')
}
