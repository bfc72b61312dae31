import { defineStore } from 'pinia'
import { computed, ref, shallowRef, watch } from 'vue'

import { getWatchWords, type WatchGroup } from '@/api/desk'
import { ApiError } from '@/api/http'
import { flagsOf, rise, standing, type Flag, type Rise } from '@/live/flags'
import type { Caption } from '@/live/protocol'

import { useLive } from './live'

/** What in the present call calls for attention: words that are flagged, and how the citizen's mood rose. */
export const useWatch = defineStore('watch', () => {
  const live = useLive()
  const groups = shallowRef<WatchGroup[]>([])
  const risen = ref<Rise | null>(null)
  let known = new WeakMap<Caption, Flag[]>()

  watch(
    () => live.call?.call_id ?? '',
    async (call_id) => {
      risen.value = null
      if (call_id === '') return
      try {
        groups.value = await getWatchWords()
        known = new WeakMap()
      } catch (problem) {
        if (!(problem instanceof ApiError)) throw problem // the list of before goes on
      }
    },
    { immediate: true },
  )
  watch(
    () => [live.call?.call_id ?? '', live.drafts[0]?.fields.mood] as const,
    ([call, now], [call_before, before]) => {
      if (call !== call_before || now === undefined || now.filler !== 'machine') return
      const found = rise(before?.value ?? '', now.value)
      if (found !== null) risen.value = found
      else if (now.value === '平静' || now.value === '') risen.value = null
    },
  )

  function flags(line: Caption): Flag[] {
    let found = known.get(line)
    if (found === undefined) {
      found = flagsOf({ speaker: line.speaker, final: line.final, text: standing(line) }, groups.value)
      known.set(line, found)
    }
    return found
  }

  /** The lines that are flagged as dangerous, the newest last. */
  const dangers = computed(() => live.state.lines.filter((line) => groups.value.length > 0 && flags(line).some((one) => one.level === 'danger')))

  return { groups, risen, flags, dangers }
})
