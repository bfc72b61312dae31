/** Looks again every so often while the window is seen, and at once when it is seen again. */

import { onBeforeUnmount, onMounted } from 'vue'

export function useAgain(look: () => void, every_ms: number): void {
  let timer: number | null = null
  const seen = (): void => void (document.visibilityState === 'visible' && look())
  onMounted(() => {
    timer = window.setInterval(seen, every_ms)
    document.addEventListener('visibilitychange', seen)
  })
  onBeforeUnmount(() => {
    if (timer !== null) window.clearInterval(timer)
    document.removeEventListener('visibilitychange', seen)
  })
}
