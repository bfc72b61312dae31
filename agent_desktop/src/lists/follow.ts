/** Asks for something that is under way, again and again until it is over or the page is left. */

import { onBeforeUnmount, shallowRef, type ShallowRef } from 'vue'

import { ApiError } from '@/api/http'

const EACH_MS = 1000

interface Work {
  id: string
  state: 'running' | 'done' | 'failed'
}

/** `ask` fetches it by its id, `failed` is told why it could not be asked for. */
export function useFollowed<T extends Work>(
  ask: (id: string) => Promise<T>,
  failed: (words: string) => void,
  over: (work: T) => void = () => undefined,
): { work: ShallowRef<T | null>; follow: (begun: T) => void } {
  const work = shallowRef(null) as ShallowRef<T | null>
  let timer = 0

  async function look(id: string): Promise<void> {
    try {
      const found = await ask(id)
      if (work.value?.id !== id) return
      work.value = found
    } catch (problem) {
      if (!(problem instanceof ApiError)) throw problem
      if (work.value?.id !== id) return
      if (problem.status !== 0 && problem.status < 500) {
        work.value = null
        failed(problem.message)
        return
      }
    }
    next()
  }

  function next(): void {
    const now = work.value
    if (now === null) return
    if (now.state === 'running') timer = window.setTimeout(() => void look(now.id), EACH_MS)
    else over(now)
  }

  function follow(begun: T): void {
    window.clearTimeout(timer)
    work.value = begun
    next()
  }

  onBeforeUnmount(() => {
    window.clearTimeout(timer)
    work.value = null
  })
  return { work, follow }
}
