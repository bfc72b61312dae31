/** The desk's keys; the table is what the help dialog shows. */

import { ElMessage } from 'element-plus/es/components/message/index.mjs'
import { onBeforeUnmount, onMounted, ref, watch, type Ref } from 'vue'

import { useLive } from '@/stores/live'
import { usePhone } from '@/stores/phone'

export const KEYS: ReadonlyArray<{ keys: string[]; does: string }> = [
  { keys: ['F2'], does: '接听来电（来电卡上也可按 Enter）' },
  { keys: ['F4'], does: '挂断或拒接' },
  { keys: ['Esc', 'Esc'], does: '两秒内按两次：挂断（不在输入框中时）' },
  { keys: ['F6'], does: '转接与会议：查找坐席、队列、单位、服务（Enter 咨询，Shift+Enter 直接转）' },
  { keys: ['F7'], does: '静音 / 取消静音' },
  { keys: ['F8'], does: '保持 / 取回' },
  { keys: ['F9'], does: '示闲，开始接听' },
  { keys: ['F10'], does: '打开示忙原因' },
  { keys: ['Ctrl', 'Enter'], does: '提交工单' },
  { keys: ['Alt', 'Z'], does: '撤销光标所在字段的上一次修改' },
  { keys: ['Alt', 'A'], does: '采纳光标所在字段的机器建议' },
  { keys: ['Alt', 'U'], does: '采用机器建议的第一个承办单位' },
  { keys: ['Alt', 'T'], does: '一次通话有两件诉求时，切换工单1、工单2' },
  { keys: ['F1'], does: '本帮助（不在输入框中时也可按 ?）' },
]

const ARMED_MS = 2000
const REACHABLE_MS = 3000

/** Everything that has to happen elsewhere on the page. */
export const deskKeys = { openBusy: (): void => undefined, transfer: (): void => undefined }

export function useKeys(pages: { help(): void; desk(): void }): Ref<boolean> {
  const phone = usePhone()
  const live = useLive()
  const armed = ref(false)
  let timer: number | null = null

  function escape(): void {
    if (phone.phone.call !== 'talking') return
    if (armed.value) {
      armed.value = false
      phone.hangUp()
      return
    }
    armed.value = true
    if (timer !== null) window.clearTimeout(timer)
    timer = window.setTimeout(() => (armed.value = false), ARMED_MS)
  }

  const actions: Record<string, () => void> = {
    F1: pages.help,
    F2: () => void phone.answer(),
    F4: phone.hangUp,
    F6: () => {
      pages.desk()
      deskKeys.transfer()
    },
    F7: phone.toggleMute,
    F8: phone.toggleHold,
    F9: () => void becomeReady(),
    F10: () => {
      pages.desk()
      deskKeys.openBusy()
    },
  }

  function pressed(event: KeyboardEvent): void {
    if (event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return
    const action = actions[event.key]
    if (action !== undefined) {
      event.preventDefault()
      if (!event.repeat) action()
      return
    }
    if (isTyping(event.target) || document.querySelector('[role="dialog"]:not([style*="display: none"])') !== null) return
    if (event.key === '?') pages.help()
    if (event.key === 'Escape' && !event.repeat) escape()
  }

  async function becomeReady(): Promise<void> {
    if (live.me?.state === 'not_ready' && live.me.extension !== '') await goReady()
  }

  onMounted(() => document.addEventListener('keydown', pressed))
  onBeforeUnmount(() => document.removeEventListener('keydown', pressed))
  return armed
}

/** 示闲: only with a microphone that works, so that no citizen meets a silent agent. */
export async function goReady(): Promise<void> {
  const phone = usePhone()
  const live = useLive()
  if (await phone.checkMicrophone()) {
    if (phone.phone.line === 'registered') await reachable()
    await live.command({ type: 'ready' })
  } else ElMessage({ message: phone.microphone?.message ?? '麦克风不可用', type: 'error', duration: 6000, showClose: true })
}

/** Asterisk first asks a telephone that has just registered whether it is there; until then the server would refuse. */
async function reachable(): Promise<void> {
  const live = useLive()
  if (live.me?.phone_registered === true) return
  await new Promise<void>((resolve) => {
    const done = (): void => {
      stop()
      window.clearTimeout(timer)
      resolve()
    }
    const timer = window.setTimeout(done, REACHABLE_MS)
    const stop = watch(() => live.me?.phone_registered, (there) => there === true && done())
  })
}

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || ['INPUT', 'TEXTAREA', 'SELECT'].includes(target.tagName))
}
