import { describe, expect, it } from 'vitest'

import { choices, devicesOf, inUse, news, NOTHING_WANTED, remembered, type Device } from '@/phone/devices'
import { share } from '@/phone/meter'
import { offered } from '@/phone/offer'

const HEADSET: Device[] = [
  { id: 'mic', label: '耳麦', kind: 'audioinput' },
  { id: 'ear', label: '耳麦', kind: 'audiooutput' },
  { id: 'box', label: '音箱', kind: 'audiooutput' },
]
const WANTED = { microphone: 'mic', speaker: 'ear', ring: '', second: 'box' }

describe('devices', () => {
  it("are the browser's without its names for the system's choice and without cameras", () => {
    const found = devicesOf([
      { deviceId: 'default', kind: 'audioinput', label: 'x' },
      { deviceId: 'mic', kind: 'audioinput', label: '' },
      { deviceId: 'cam', kind: 'videoinput', label: 'x' },
    ])
    expect(found).toEqual([{ id: 'mic', label: '设备 1', kind: 'audioinput' }])
  })

  it('are offered where they fit', () => {
    expect(choices(HEADSET, 'microphone').map((one) => one.id)).toEqual(['mic'])
    expect(choices(HEADSET, 'second').map((one) => one.id)).toEqual(['ear', 'box'])
  })

  it('that are wanted are used; it rings where the citizen is heard', () => {
    expect(inUse(WANTED, HEADSET)).toEqual({ microphone: 'mic', speaker: 'ear', ring: 'ear', second: 'box' })
  })

  it("that are pulled out give way to the system's, and the agent is told; plugged in again they come back", () => {
    const before = inUse(WANTED, HEADSET)
    const without = inUse(WANTED, HEADSET.slice(2))
    expect(without).toEqual({ microphone: '', speaker: '', ring: '', second: 'box' })
    expect(news(before, without, WANTED)).toBe('麦克风已拔出，改用系统默认设备；听筒已拔出，改用系统默认设备')
    expect(news(without, before, WANTED)).toBe('麦克风已接回；听筒已接回')
    expect(news(before, before, WANTED)).toBe('')
  })

  it('are remembered, and nonsense is not', () => {
    expect(remembered(JSON.stringify(WANTED))).toEqual(WANTED)
    for (const nonsense of [null, '', '[', '3', 'null', '{"microphone":7}']) expect(remembered(nonsense)).toEqual(NOTHING_WANTED)
  })
})

describe('a level', () => {
  it('is nothing in silence, about half in speech and full at the loudest', () => {
    expect(share(new Float32Array(64))).toBe(0)
    expect(share(new Float32Array(64).fill(0.03))).toBeCloseTo(0.49, 1)
    expect(share(new Float32Array(64).fill(1))).toBe(1)
  })
})

describe('an offer', () => {
  const invite = (headers: Record<string, string>, body = '') => ({ body, getHeader: (name: string) => headers[name] })

  it('of a plain call is answered by hand', () => {
    expect(offered(invite({}))).toEqual({ video: false, auto: false, rejoin: '' })
  })

  it('says when it answers by itself, and for which call', () => {
    const offer = offered(invite({ 'Call-Info': '<sip:hotline>;answer-after=0', 'X-Hotline-Rejoin': 'hl1-1.2' }))
    expect([offer.auto, offer.rejoin]).toEqual([true, 'hl1-1.2'])
    expect(offered(invite({ 'Call-Info': '<sip:hotline>;answer-after=05' })).auto).toBe(false)
  })

  it('with a picture has a video line with a port', () => {
    expect(offered(invite({}, 'm=audio 1 x\r\nm=video 9 x')).video).toBe(true)
    expect(offered(invite({}, 'm=audio 1 x\r\nm=video 0 x')).video).toBe(false)
  })
})
