/** One ticking clock for the whole page, and the server's time made from it. */

import { onScopeDispose, readonly, ref, type Ref } from 'vue'

import { serverClock } from '@/api/http'
import { offset } from '@/live/clock'

const now = ref(Date.now() / 1000)
let users = 0
let timer: number | null = null

/** Our epoch seconds, four times a second while somebody looks. */
export function useNow(): Readonly<Ref<number>> {
  users += 1
  timer ??= window.setInterval(() => (now.value = Date.now() / 1000), 250)
  onScopeDispose(() => {
    users -= 1
    if (users === 0 && timer !== null) {
      window.clearInterval(timer)
      timer = null
    }
  })
  return readonly(now)
}

/** What the server's clock shows when ours shows `ours`. */
export function serverTime(ours: number): number {
  return ours + offset(serverClock.bounds)
}
