/** Getting at the microphone, and saying in Chinese what to do when that fails. */

export type MicrophoneFault = 'denied' | 'missing' | 'busy' | 'insecure'

const ADVICE: Record<MicrophoneFault, string> = {
  denied: '麦克风被浏览器禁止：请点地址栏左侧图标，允许麦克风后重试。',
  missing: '没有找到麦克风：请插好耳麦后重试。',
  busy: '麦克风被其他程序占用：请关闭那个程序后重试。',
  insecure: '当前地址不是 https，浏览器不允许使用麦克风，请联系管理员。',
}

/** What to do about it, step by step, for the dialog. */
export const REMEDIES: Record<MicrophoneFault, { title: string; steps: readonly string[] }> = {
  denied: {
    title: '浏览器没有允许使用麦克风',
    steps: [
      '点击地址栏左侧的图标（锁形或滑块形），把“麦克风”改为“允许”。',
      '如果没有这一项：打开浏览器设置，在“隐私和安全”的“网站设置”里找到“麦克风”，删除对本站的禁止。',
      '仍不行时，检查操作系统的隐私设置是否允许浏览器使用麦克风。',
      '改好后点“重试”，来电仍在响铃时可直接接听，不必刷新页面。',
    ],
  },
  missing: {
    title: '没有找到麦克风',
    steps: [
      '插好耳麦；USB 耳麦请换一个插口试试，蓝牙耳麦请确认已连接并有电。',
      '在操作系统的声音设置里确认能看到这个麦克风，并且没有停用。',
      '插好后点“重试”。暂时没有耳麦时，可改用桌面话机接听。',
    ],
  },
  busy: {
    title: '麦克风被其他程序占用',
    steps: [
      '关闭正在使用麦克风的程序（会议软件、录音软件、另一个软电话）。',
      '仍不行时，拔下耳麦再插上，或在“声音设置”里换一个麦克风。',
      '然后点“重试”。',
    ],
  },
  insecure: {
    title: '当前地址不能使用麦克风',
    steps: ['浏览器只在 https 地址上开放麦克风。请用管理员给出的 https 地址打开本页。', '地址没有错时，请联系管理员检查证书。'],
  },
}

export class MicrophoneError extends Error {
  constructor(readonly fault: MicrophoneFault) {
    super(ADVICE[fault])
  }
}

/** Open the microphone, the chosen one where it is still there, and with `video` the camera, too. */
export async function openMicrophone(deviceId = '', video: MediaTrackConstraints | null = null): Promise<MediaStream> {
  if (!navigator.mediaDevices) throw new MicrophoneError('insecure')
  const audio: MediaTrackConstraints = { echoCancellation: true, noiseSuppression: true, autoGainControl: true }
  if (deviceId !== '') audio.deviceId = { ideal: deviceId }
  try {
    return await navigator.mediaDevices.getUserMedia({ audio, video: video ?? false })
  } catch (error) {
    if (video !== null) return openMicrophone(deviceId, null) // no camera, or not allowed: the talk goes on without
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
