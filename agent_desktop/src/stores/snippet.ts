import { defineStore } from 'pinia'
import { ref } from 'vue'

import { getRecordingPart } from '@/api/calls'
import { ApiError } from '@/api/http'

const BEFORE_S = 0.4 // start a little before the words, end a little after
const AFTER_S = 0.6
const MOST_S = 60

/** Plays a few seconds of a recording, also while the call goes on. One at a time; a newer wish ends the older. */
export const useSnippet = defineStore('snippet', () => {
  const state = ref<'idle' | 'loading' | 'playing' | 'failed'>('idle')
  const error = ref('')
  const range = ref<[number, number] | null>(null)
  const at = ref(0) // seconds into the recording
  let audio: HTMLAudioElement | null = null
  let url = ''
  let turn = 0

  /** Play the recording's seconds `from` to `to`. */
  async function play(call_id: string, from: number, to: number): Promise<void> {
    stop()
    const start = Math.max(0, from - BEFORE_S)
    const end = Math.min(Math.max(to, from + 0.5) + AFTER_S, start + MOST_S)
    turn += 1
    const mine = turn
    state.value = 'loading'
    range.value = [from, to]
    at.value = from
    try {
      const sound = await getRecordingPart(call_id, start, end)
      if (mine !== turn) return
      url = URL.createObjectURL(sound)
      audio = new Audio(url)
      audio.ontimeupdate = () => (at.value = start + (audio?.currentTime ?? 0))
      audio.onended = stop
      await audio.play()
      if (mine === turn) state.value = 'playing'
    } catch (problem) {
      if (mine !== turn) return
      if (problem instanceof ApiError) fail(problem.message)
      else if (problem instanceof DOMException) fail('浏览器没有播放这段录音')
      else throw problem
    }
  }

  function fail(text: string): void {
    stop()
    state.value = 'failed'
    error.value = text
  }

  function stop(): void {
    turn += 1
    audio?.pause()
    audio = null
    if (url !== '') URL.revokeObjectURL(url)
    url = ''
    state.value = 'idle'
    error.value = ''
    range.value = null
  }

  return { state, error, range, at, play, stop }
})
