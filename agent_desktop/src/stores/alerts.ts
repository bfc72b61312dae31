import { ElMessage } from 'element-plus/es/components/message/index.mjs'
import { defineStore } from 'pinia'
import { computed, ref } from 'vue'

import type { AlertView, BurstView } from '@/live/protocol'
import { useLive } from '@/stores/live'

const BEEP_S = 0.25

/** Alerts and waves of calls that are not over, for who is in charge; new ones are shown, and sounded as their rule says. */
export const useAlerts = defineStore('alerts', () => {
  const live = useLive()
  const alerts = ref<AlertView[]>([])
  const bursts = ref<BurstView[]>([])
  const muted = ref(false)
  const told = new Set<string>()
  let stop: (() => void) | null = null
  let sound: AudioContext | null = null

  const open = computed(() => alerts.value.filter((one) => one.until === null || one.until === undefined))
  const unseen = computed(() => open.value.filter((one) => one.acknowledged_by === '').length + bursts.value.filter((one) => one.state === 'open').length)

  function start(): void {
    if (stop !== null) return
    const endings = [
      live.onMessage((message) => {
        if (message.type === 'alert_view') take(message)
        if (message.type === 'burst_view') takeBurst(message)
      }),
      live.watchTopic('alerts'),
    ]
    stop = () => endings.forEach((end) => end())
  }

  function end(): void {
    stop?.()
    stop = null
    alerts.value = []
    bursts.value = []
    told.clear()
  }

  function take(alert: AlertView): void {
    const over = alert.until !== null && alert.until !== undefined
    alerts.value = [alert, ...alerts.value.filter((one) => one.alert_id !== alert.alert_id)].filter((one) => one.until === null || one.until === undefined)
    if (over || told.has(alert.alert_id) || alert.acknowledged_by !== '') return
    told.add(alert.alert_id)
    ElMessage({ message: `告警：${alert.title}`, type: alert.level === 'critical' ? 'error' : alert.level === 'warning' ? 'warning' : 'info', duration: 8000, showClose: true })
    if (alert.sound) beep()
  }

  function takeBurst(burst: BurstView): void {
    bursts.value = [burst, ...bursts.value.filter((one) => one.burst_id !== burst.burst_id)].filter((one) => one.state !== 'over' && one.state !== 'dismissed')
    if (burst.state !== 'open' || told.has(burst.burst_id)) return
    told.add(burst.burst_id)
    ElMessage({ message: `集中诉求：${burst.title}，${burst.callers} 位市民`, type: 'warning', duration: 8000, showClose: true })
  }

  /** Two short tones; browsers are silent until the page was clicked once. */
  function beep(): void {
    if (muted.value) return
    sound ??= new AudioContext()
    if (sound.state !== 'running') return
    for (const turn of [0, 1]) {
      const tone = sound.createOscillator()
      const gain = sound.createGain()
      gain.gain.value = 0.2
      tone.frequency.value = turn === 0 ? 880 : 660
      tone.connect(gain).connect(sound.destination)
      const at = sound.currentTime + turn * BEEP_S
      tone.start(at)
      tone.stop(at + BEEP_S)
    }
  }

  return { alerts, bursts, open, unseen, muted, start, end }
})
