import { defineStore } from 'pinia'
import { computed, ref, watch } from 'vue'

import { mayAskIn, type Asks } from '@/live/colleagues'
import type { CallView } from '@/live/protocol'
import { canShare } from '@/live/sharing'

import { useLive } from './live'
import { useTexts } from './texts'

/** Asking somebody into the talk in hand: 请翻译 and 请同事加入, from every page. */
export const useAsking = defineStore('asking', () => {
  const live = useLive()
  const texts = useTexts()
  const asks = ref<Asks | null>(null)
  const call_id = ref('')

  /** The talk that is in front: a conversation, or the spoken call. */
  const inHand = computed<CallView | null>(() => {
    if (texts.front !== null) return mayAskIn(texts.front.call) ? texts.front.call : null
    return canShare(live.call, live.me?.agent_id ?? '') ? live.call : null
  })
  const call = computed(() => {
    const one = texts.texts.open[call_id.value]?.call ?? (live.call?.call_id === call_id.value ? live.call : null)
    return one !== null && (mayAskIn(one) || canShare(one, live.me?.agent_id ?? '')) ? one : null
  })

  function may(what: Asks): boolean {
    return live.link === 'open' && inHand.value !== null && (what === 'interpreter' || inHand.value.media === 'text')
  }

  function ask(what: Asks): void {
    if (inHand.value === null || !may(what)) return
    call_id.value = inHand.value.call_id
    asks.value = what
  }

  function done(): void {
    asks.value = null
  }

  watch(call, (now) => now === null && done()) // the talk is over: nobody need come

  return { asks, call, may, ask, done }
})
