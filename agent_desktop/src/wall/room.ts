/** How many rows a place on the wall has room for: a wall does not scroll, and shows no half rows. */

import { onBeforeUnmount, onMounted, ref, watch, type Ref } from 'vue'

const EVERYTHING = 10_000

/** Measured at the first row of `place`, again when its size or `rows` changes; everything where it scrolls. */
export function useRoom(place: Ref<HTMLElement | null>, scrolls: () => boolean, rows: () => unknown): Ref<number> {
  const room = ref(EVERYTHING)
  const size = new ResizeObserver(measure)

  function measure(): void {
    const row = place.value?.querySelector('tbody tr, ol li')
    if (scrolls() || !place.value || !row) return
    const { top, height } = row.getBoundingClientRect()
    if (height > 0) room.value = Math.max(1, Math.floor((place.value.getBoundingClientRect().bottom - top + 1) / height))
  }

  onMounted(() => {
    if (place.value !== null) size.observe(place.value)
  })
  watch(rows, measure, { flush: 'post' })
  onBeforeUnmount(() => size.disconnect())
  return room
}
