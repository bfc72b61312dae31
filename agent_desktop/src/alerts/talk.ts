/** What the parts of the alerts' page share: words, and questions that may fail. */

import { ElMessage } from 'element-plus/es/components/message/index.mjs'
import { ElMessageBox } from 'element-plus/es/components/message-box/index.mjs'

import { ApiError } from '@/api/http'

export const LEVELS: Record<string, string> = { info: '提示', warning: '警告', critical: '严重' }
export const TAGS: Record<string, 'info' | 'warning' | 'danger'> = { info: 'info', warning: 'warning', critical: 'danger' }
export const REASON_MOST = 200

/** Ask the server, and say what went wrong; undefined then. */
export async function tried<T>(question: Promise<T>, done = ''): Promise<T | undefined> {
  try {
    const answer = await question
    if (done !== '') ElMessage({ message: done, type: 'success', duration: 3000 })
    return answer
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    ElMessage({ message: error.message, type: 'error', duration: 6000, showClose: true })
    return undefined
  }
}

/** Whether the person agrees, after reading what will come of it. */
export async function agreed(what: string, title: string, yes: string): Promise<boolean> {
  try {
    await ElMessageBox.confirm(what, title, { confirmButtonText: yes, cancelButtonText: '取消' })
    return true
  } catch {
    return false // closed
  }
}

/** Why something is done: everything is audited with its reason. undefined: given up. */
export async function reasonFor(what: string): Promise<string | undefined> {
  try {
    const answer = await ElMessageBox.prompt('请填写原因（记入审计）', what, {
      confirmButtonText: '确定', cancelButtonText: '取消', inputPattern: /\S/, inputErrorMessage: '请填写原因',
    })
    return answer.value.trim().slice(0, REASON_MOST)
  } catch {
    return undefined // closed
  }
}
