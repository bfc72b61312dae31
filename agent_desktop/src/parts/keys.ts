/** The desk's keys; the table is what the help dialog shows. */

import { ElMessage } from 'element-plus/es/components/message/index.mjs'
import { onBeforeUnmount, onMounted, ref, watch, type Ref } from 'vue'

import { canShare, isConsulting } from '@/live/sharing'
import { useAsking } from '@/stores/asking'
import { useLive } from '@/stores/live'
import { usePhone } from '@/stores/phone'
import { useTexts } from '@/stores/texts'
import { dialogIsOpen } from '@/text/dialogs'

export const KEYS: ReadonlyArray<{ keys: string[]; does: string }> = [
  { keys: ['F2'], does: '接听来电（来电卡上也可按 Enter）；没有来电时接入文字来访' },
  { keys: ['F4'], does: '挂断或拒接' },
  { keys: ['Esc', 'Esc'], does: '两秒内按两次：挂断（不在输入框中时）' },
  { keys: ['F6'], does: '转接与会议：查找坐席、队列、单位、服务（Enter 咨询，Shift+Enter 直接转）' },
  { keys: ['F7'], does: '静音 / 取消静音' },
  { keys: ['F8'], does: '保持 / 取回' },
  { keys: ['F9'], does: '示闲，开始接听' },
  { keys: ['F10'], does: '打开示忙原因' },
  { keys: ['Alt', 'P'], does: '打开 / 收起按键键盘（打开后直接按数字、* 和 #）' },
  { keys: ['Alt', 'I'], does: '请翻译：请懂语言、方言、手语的同事（Enter 咨询，Shift+Enter 直接请入）' },
  { keys: ['Alt', 'W'], does: '咨询中：完成转接' },
  { keys: ['Alt', 'H'], does: '咨询中：三方' },
  { keys: ['Alt', 'Q'], does: '咨询中：取消咨询，回到市民' },
  { keys: ['Alt', 'J'], does: '接入文字来访' },
  { keys: ['Alt', 'R'], does: '拒接文字来访' },
  { keys: ['Alt', 'C'], does: '切换会话：通话、会话1、会话2……' },
  { keys: ['Alt', 'Y'], does: '请同事或班长加入文字会话' },
  { keys: ['Ctrl', 'Enter'], does: '提交工单（在工作台的任何位置）' },
  { keys: ['Alt', 'Z'], does: '撤销光标所在字段的上一次修改' },
  { keys: ['Alt', 'A'], does: '采纳光标所在字段的机器建议，或确认机器填写的内容' },
  { keys: ['Alt', 'X'], does: '忽略光标所在字段的机器建议' },
  { keys: ['Alt', 'L'], does: '播放光标所在字段的依据（录音）' },
  { keys: ['Alt', 'U'], does: '采用机器建议的第一个承办单位' },
  { keys: ['Alt', 'T'], does: '一次通话有两件诉求时，切换工单1、工单2' },
  { keys: ['Alt', 'N'], does: '为本次通话再建一张工单' },
  { keys: ['Alt', 'G'], does: '在地图或地名中选择地点' },
  { keys: ['Alt', 'F'], does: '字幕跟随 / 暂停跟随' },
  { keys: ['Alt', 'S'], does: '在本次通话的字幕中查找（Enter 下一处，Shift+Enter 上一处）' },
  { keys: ['↑', '↓'], does: '光标在字幕中时：上一句、下一句（Enter 播放，← → 标记、更正）' },
  { keys: ['Alt', 'M'], does: '把市民最新一句标为重点' },
  { keys: ['Alt', 'K'], does: '查知识库' },
  { keys: ['Ctrl', 'K'], does: '搜索工单、通话、转写' },
  { keys: ['F1'], does: '本帮助（不在输入框中时也可按 ?）' },
]

const ARMED_MS = 2000
const REACHABLE_MS = 3000
const URGENT = new Set(['KeyJ', 'KeyR', 'KeyP']) // also before an open dialog, as F2 and F4

/** Everything that has to happen elsewhere on the page. */
export const deskKeys = { openBusy: (): void => undefined, transfer: (): void => undefined, keypad: (): void => undefined }

export function useKeys(pages: { help(): void; desk(): void }): Ref<boolean> {
  const phone = usePhone()
  const live = useLive()
  const texts = useTexts()
  const asking = useAsking()
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
    F2: () => void (phone.phone.call === 'ringing' || texts.ringing.length === 0 ? phone.answer() : takeWritten()),
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

  const withAlt: Record<string, () => void> = {
    KeyP: () => deskKeys.keypad(),
    KeyI: () => asking.ask('interpreter'),
    KeyY: () => asking.ask('colleague'),
    KeyW: () => consulted('complete_transfer'),
    KeyH: () => consulted('conference'),
    KeyQ: () => consulted('cancel_consult'),
    KeyJ: () => void takeWritten(),
    KeyR: () => texts.ringing[0] && texts.refuse(texts.ringing[0].call.call_id),
    KeyC: () => {
      if (texts.all.length === 0) return
      pages.desk()
      texts.turn()
    },
  }

  /** Whoever has rung longest, shown on the desk. */
  async function takeWritten(): Promise<void> {
    const first = texts.ringing[0]
    if (first !== undefined && (await texts.answer(first.call.call_id))) pages.desk()
  }

  /** What may be done while somebody is consulted; at other times the keys do nothing. */
  function consulted(type: 'complete_transfer' | 'conference' | 'cancel_consult'): void {
    const call = live.call
    if (call === null || !isConsulting(call) || !canShare(call, live.me?.agent_id ?? '')) return
    void live.command({ type, call_id: call.call_id })
  }

  function pressed(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.isComposing) return
    const alt = event.altKey && !event.shiftKey && (URGENT.has(event.code) || !dialogIsOpen()) ? withAlt[event.code] : undefined
    if (alt !== undefined) {
      event.preventDefault()
      if (!event.repeat) alt()
    }
    if (event.altKey) return
    const action = actions[event.key]
    if (action !== undefined) {
      event.preventDefault()
      if (!event.repeat) action()
      return
    }
    if (isTyping(event.target) || dialogIsOpen()) return
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
