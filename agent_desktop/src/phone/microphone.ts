/** Getting at the microphone, and saying in Chinese what to do when that fails. */

export type MicrophoneFault = 'denied' | 'missing' | 'busy' | 'insecure'

const ADVICE: Record<MicrophoneFault, string> = {
  denied: '麦克风被浏览器禁止：请点地址栏左侧图标，允许麦克风后重试。',
  missing: '没有找到麦克风：请插好耳麦后重试。',
  busy: '麦克风被其他程序占用：请关闭那个程序后重试。',
  insecure: '当前地址不是 https，浏览器不允许使用麦克风，请联系管理员。',
}

export class MicrophoneError extends Error {
  constructor(readonly fault: MicrophoneFault) {
    super(ADVICE[fault])
  }
}

export async function openMicrophone(): Promise<MediaStream> {
  if (!navigator.mediaDevices) throw new MicrophoneError('insecure')
  try {
    return await navigator.mediaDevices.getUserMedia({
      audio: { echoCancellation: true, noiseSuppression: true, autoGainControl: true },
    })
  } catch (error) {
    throw new MicrophoneError(fault(error instanceof DOMException ? error.name : ''))
  }
}

export function closeMicrophone(stream: MediaStream | null): void {
  stream?.getTracks().forEach((track) => track.stop())
}

/** What the browser would say without asking the person; "prompt" where it does not tell. */
export async function microphonePermission(): Promise<PermissionStatus['state'] | 'insecure'> {
  if (!navigator.mediaDevices) return 'insecure'
  try {
    const status = await navigator.permissions.query({ name: 'microphone' as PermissionName })
    return status.state
  } catch {
    return 'prompt' // Firefox before 131 knows no such name
  }
}

function fault(name: string): MicrophoneFault {
  if (name === 'NotFoundError' || name === 'OverconstrainedError') return 'missing'
  if (name === 'NotReadableError' || name === 'AbortError') return 'busy'
  return 'denied'
}
