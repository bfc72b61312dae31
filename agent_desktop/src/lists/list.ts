/** One page of a list, found by what is looked for: loading, errors, turning pages; answers that come late are dropped. */

import { computed, getCurrentScope, onScopeDispose, ref, shallowRef, watch, type ComputedRef, type Ref, type ShallowRef } from 'vue'

import { ApiError, type Query } from '@/api/http'
import type { Page } from '@/api/calls'

export interface List<T> {
  items: ComputedRef<T[]>
  total: ComputedRef<number>
  found: ShallowRef<Page<T> | null> // null before the first answer
  page: Ref<number>
  size: number
  error: Ref<string>
  loading: Ref<boolean>
  load: () => Promise<void>
}

const TYPING_MS = 250

/**
 * `find` answers one page of what `query` asks for. A changed query begins at page 1, after a short pause for typing.
 * Errors of the server become `error`; anything else is thrown.
 */
export function useList<T>(find: (query: Query) => Promise<Page<T>>, query: () => Query, size = 20): List<T> {
  const found = shallowRef<Page<T> | null>(null)
  const page = ref(1)
  const error = ref('')
  const loading = ref(false)
  let asked = 0
  let typing: ReturnType<typeof setTimeout> | null = null

  async function load(): Promise<void> {
    if (typing !== null) clearTimeout(typing)
    typing = null
    asked += 1
    const turn = asked
    loading.value = true
    error.value = ''
    try {
      const answer = await find({ ...query(), page: page.value, size })
      if (turn === asked) found.value = answer
    } catch (problem) {
      if (!(problem instanceof ApiError)) throw problem
      if (turn === asked) error.value = problem.message
    } finally {
      if (turn === asked) loading.value = false
    }
  }

  function later(): void {
    if (typing !== null) clearTimeout(typing)
    typing = setTimeout(() => void load(), TYPING_MS)
  }

  watch(
    () => JSON.stringify(query()),
    () => {
      page.value = 1
      later()
    },
  )
  watch(page, (now, before) => now !== before && typing === null && void load())
  void load()
  if (getCurrentScope() !== undefined) {
    onScopeDispose(() => {
      if (typing !== null) clearTimeout(typing)
      asked += 1
    })
  }
  return { items: computed(() => found.value?.items ?? []), total: computed(() => found.value?.total ?? 0), found, page, size, error, loading, load }
}
