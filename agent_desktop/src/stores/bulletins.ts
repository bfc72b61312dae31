import { defineStore } from 'pinia'
import { computed } from 'vue'

import { useLive } from '@/stores/live'

/** Notices in force, as the server told them last. */
export const useBulletins = defineStore('bulletins', () => {
  const live = useLive()
  return { all: computed(() => live.state.bulletins) }
})
