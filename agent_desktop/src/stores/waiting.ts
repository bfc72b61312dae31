/** How much waits for the person who looks: the numbers in the navigation, read while the window is seen. */

import { onBeforeUnmount, onMounted, reactive, readonly } from 'vue'

import { getCounts } from '@/api/dispatch'
import { ApiError } from '@/api/http'
import { getWorkCounts, type WorkCounts } from '@/api/worklist'
import { useAgain } from '@/live/again'
import { menuOf } from '@/menu'
import { useSession } from '@/stores/session'

const EVERY_MS = 15_000
/** Queues that nobody has to work off today. */
const BESIDE: readonly string[] = ['sample', 'gone']

const counts = reactive<{ work: number; dispatch: number; parts: WorkCounts | null }>({ work: 0, dispatch: 0, parts: null })

/** Numbers by the name of the page; 0 where nothing waits, or nobody asked yet. */
export const waiting = readonly(counts)

/** The number beside a page's name. */
export function waitingFor(page: string): number {
  return page === 'work' ? counts.work : page === 'dispatch' ? counts.dispatch : 0
}

/** Read them again and again while the frame stands. */
export function useWaiting(): { look: () => Promise<void> } {
  const session = useSession()

  async function look(): Promise<void> {
    const pages = new Set([...menuOf(session.person?.role).values()].flat().map((entry) => entry.name))
    try {
      if (pages.has('work')) {
        const parts = await getWorkCounts()
        counts.parts = parts
        counts.work = parts.callbacks + parts.missed + parts.visits
      }
      if (pages.has('dispatch')) {
        const queues = await getCounts()
        counts.dispatch = Object.entries(queues).reduce((sum, [name, one]) => sum + (BESIDE.includes(name) ? 0 : one.total), 0)
      }
    } catch (problem) {
      if (!(problem instanceof ApiError)) throw problem // away for a moment: the numbers of before stand
    }
  }

  onMounted(() => void look())
  useAgain(() => void look(), EVERY_MS)
  onBeforeUnmount(() => {
    counts.work = counts.dispatch = 0
    counts.parts = null
  })
  return { look }
}
