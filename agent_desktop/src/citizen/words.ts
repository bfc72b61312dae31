/** What the citizens' page says of how a call stands. */

import type { CitizenView } from '@/live/protocol'
import type { Opened } from '@/phone/video'

import type { Way } from './api'

export function standing(view: CitizenView | null, online: boolean): string {
  if (!online) return '网络断开了，正在重新连接。您写下的内容不会丢失。'
  if (view === null) return '正在连接，请稍候。'
  switch (view.state) {
    case 'connecting':
      return '正在接通热线，请稍候。'
    case 'waiting':
      return waiting(view)
    case 'ringing':
      return '正在呼叫话务员，请稍候。'
    case 'talking':
      return `${view.agent || '话务员'}正在为您服务。`
    case 'held':
      return '话务员请您稍候，正在为您查询，请不要离开。'
    case 'survey':
      return '服务已结束，请为这次服务评价。'
    case 'ended':
      return ended(view)
  }
}

function waiting(view: CitizenView): string {
  if (view.place === null || view.place === undefined) return '正在为您寻找话务员，请稍候。'
  const ahead = view.place - 1
  const place = ahead <= 0 ? '您排在第一位。' : `您前面还有 ${ahead} 位。`
  return view.expected_wait_s === null || view.expected_wait_s === undefined ? place : `${place}大约还要等 ${minutes(view.expected_wait_s)}。`
}

function minutes(seconds: number): string {
  return seconds < 60 ? '不到 1 分钟' : `${Math.ceil(seconds / 60)} 分钟`
}

function ended(view: CitizenView): string {
  if (view.reason === 'silence') return '很久没有收到您的消息，这次服务已结束。需要时请重新发起。'
  return '这次服务已结束，感谢您的来访。'
}

/** What a citizen of whom nothing is seen, or heard, must know; "" when all is sent. */
export function blindness(opened: Opened | null): string {
  if (opened === null || (opened.camera && opened.microphone)) return ''
  const silent = opened.microphone ? '' : '麦克风也用不了，对方听不到您。'
  if (opened.camera) return '麦克风用不了，对方听不到您；您可以用手语，也可以在下面打字。'
  const why = opened.forbidden ? '浏览器没有允许使用摄像头' : '没有找到可用的摄像头'
  return `${why}，对方看不到您。${silent}您能看到对方的手语，请在下面打字。`
}

/** What stands where nothing was written yet. */
export function quietly(way: Way, over: boolean): string {
  if (over) return '这次没有写下文字。'
  return way === 'text' ? '请写下您要反映的事情。' : '您和话务员写的文字会显示在这里。等待时也可以先写下您要说的事情。'
}

export const RATINGS: readonly [number, string][] = [[5, '非常满意'], [4, '满意'], [3, '一般'], [2, '不满意'], [1, '非常不满意']]

const MINUTE = new Intl.DateTimeFormat('zh-CN', { hour: '2-digit', minute: '2-digit', hour12: false })

/** Epoch seconds as "14:05". */
export function minuteOf(at: number): string {
  return MINUTE.format(at * 1000)
}
