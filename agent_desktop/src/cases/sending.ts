/** How a form of a move is sent: once at a time, the same wish with the same key, refusals in words beside the fields. */

import { nextTick, ref, watch, type Ref } from 'vue'

import { moveCase, type Case } from '@/api/cases'
import { ApiError } from '@/api/http'
import { newKey } from '@/text/key'

import type { Values } from './forms'
import { drop } from './kept'

interface Wish {
  order_id: string
  move: string
  version: number // that was on the screen
  fields: Record<string, unknown>
}

export interface Sending {
  busy: Ref<boolean>
  problem: Ref<string>
  conflict: Ref<boolean> // somebody was quicker
  wrong: Ref<string> // name of the field that keeps it from being sent
  box: Ref<HTMLFormElement | null>
  /** Say what is missing, and lead there. */
  lacks: (open: { name: string; text: string }) => Promise<void>
  /** Send it; the order as it is afterwards, null when it was refused. Throws what is no refusal. */
  send: (wish: Wish) => Promise<Case | null>
}

/** `behind` is called when the order on the screen is not the newest. */
export function useSending(values: Ref<Values>, behind: () => void): Sending {
  const busy = ref(false)
  const problem = ref('')
  const conflict = ref(false)
  const wrong = ref('')
  const box = ref<HTMLFormElement | null>(null)
  let key = newKey()

  watch(values, () => {
    key = newKey() // another wish
    wrong.value = ''
  }, { deep: true })

  async function lacks(open: { name: string; text: string }): Promise<void> {
    wrong.value = open.name
    problem.value = open.text
    conflict.value = false
    await nextTick()
    box.value?.querySelector<HTMLElement>(`[data-field="${open.name}"] :is(textarea, input)`)?.focus()
  }

  async function send({ order_id, move, version, fields }: Wish): Promise<Case | null> {
    busy.value = true
    problem.value = ''
    try {
      const after = await moveCase(order_id, move, version, fields, key)
      drop(order_id, move)
      return after
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      busy.value = false
      problem.value = error.message
      conflict.value = error.code === 'conflict' || error.code === 'closed'
      if (error.status === 409) {
        key = newKey()
        behind()
      }
      return null
    }
  }

  return { busy, problem, conflict, wrong, box, lacks, send }
}
