import { ElMessage } from 'element-plus/es/components/message/index.mjs'
import { defineStore } from 'pinia'
import { computed, ref } from 'vue'

import { devicesOf, inUse, news, remembered, type Device, type Kind, type Wanted } from '@/phone/devices'

const KEY = 'hotline.devices'

/** Which microphone, speaker and ring devices this browser uses. */
export const useDevices = defineStore('devices', () => {
  const wanted = ref<Wanted>(remembered(localStorage.getItem(KEY)))
  const devices = ref<Device[]>([])
  const looked = ref(false)
  const used = computed(() => inUse(wanted.value, devices.value))
  let begun = false
  const hasMicrophone = computed(() => !looked.value || devices.value.some((one) => one.kind === 'audioinput'))

  /** Look which devices there are. Their names are told only when the microphone is allowed. */
  async function look(): Promise<void> {
    if (!navigator.mediaDevices) return
    const before = used.value
    const first = !looked.value
    devices.value = devicesOf(await navigator.mediaDevices.enumerateDevices())
    looked.value = true
    const said = first ? '' : news(before, used.value, wanted.value)
    if (said !== '') ElMessage({ message: said, type: 'warning', duration: 8000, showClose: true })
  }

  function choose(kind: Kind, id: string): void {
    wanted.value = { ...wanted.value, [kind]: id }
    localStorage.setItem(KEY, JSON.stringify(wanted.value))
  }

  function start(): void {
    if (begun) return
    begun = true
    navigator.mediaDevices?.addEventListener('devicechange', () => void look())
    void look()
  }

  return { wanted, devices, used, hasMicrophone, look, choose, start }
})
