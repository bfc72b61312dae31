/** Microphone, speaker and ring devices: which of them are there, which are wanted, which are used. Pure. */

export interface Wanted {
  microphone: string // device id, '' the system's
  speaker: string
  ring: string // where it rings, '' where the citizen is heard
  second: string // rings there at the same time, '' nowhere
}

export type Kind = keyof Wanted

export interface Device {
  id: string
  label: string
  kind: 'audioinput' | 'audiooutput'
}

export const NOTHING_WANTED: Wanted = { microphone: '', speaker: '', ring: '', second: '' }
export const KINDS: ReadonlyArray<{ kind: Kind; title: string; input: boolean; none: string }> = [
  { kind: 'microphone', title: '麦克风', input: true, none: '系统默认' },
  { kind: 'speaker', title: '听筒', input: false, none: '系统默认' },
  { kind: 'ring', title: '响铃', input: false, none: '与听筒相同' },
  { kind: 'second', title: '同时响铃', input: false, none: '不用' },
]

/** Browsers list the system's own choice as devices of these names, too. */
const ALIASES = new Set(['default', 'communications', ''])

export function devicesOf(infos: readonly Pick<MediaDeviceInfo, 'deviceId' | 'kind' | 'label'>[]): Device[] {
  return infos
    .filter((info) => (info.kind === 'audioinput' || info.kind === 'audiooutput') && !ALIASES.has(info.deviceId))
    .map((info, place) => ({ id: info.deviceId, label: info.label || `设备 ${place + 1}`, kind: info.kind as Device['kind'] }))
}

export function choices(devices: readonly Device[], kind: Kind): Device[] {
  const wanted = KINDS.find((one) => one.kind === kind)?.input ? 'audioinput' : 'audiooutput'
  return devices.filter((device) => device.kind === wanted)
}

/** What is used of what is wanted: a device that is not there gives way to the system's, until it is back. */
export function inUse(wanted: Wanted, devices: readonly Device[]): Wanted {
  const there = (kind: Kind): string => (choices(devices, kind).some((device) => device.id === wanted[kind]) ? wanted[kind] : '')
  const speaker = there('speaker')
  return { microphone: there('microphone'), speaker, ring: there('ring') || speaker, second: there('second') }
}

/** What to say when devices come and go; '' when nothing of ours has changed. */
export function news(before: Wanted, after: Wanted, wanted: Wanted): string {
  const said: string[] = []
  for (const { kind, title } of KINDS) {
    if (wanted[kind] === '' || before[kind] === after[kind]) continue
    if (after[kind] === wanted[kind]) said.push(`${title}已接回`)
    else if (before[kind] === wanted[kind]) said.push(kind === 'second' ? `${title}设备已拔出` : `${title}已拔出，改用系统默认设备`)
  }
  return said.join('；')
}

/** What this browser remembers; unreadable or old words count as nothing. */
export function remembered(text: string | null): Wanted {
  try {
    const read: unknown = JSON.parse(text ?? '{}')
    if (typeof read !== 'object' || read === null) return NOTHING_WANTED
    const values = read as Record<string, unknown>
    const one = (kind: Kind): string => {
      const value = values[kind]
      return typeof value === 'string' && value.length <= 200 ? value : ''
    }
    return { microphone: one('microphone'), speaker: one('speaker'), ring: one('ring'), second: one('second') }
  } catch {
    return NOTHING_WANTED
  }
}
