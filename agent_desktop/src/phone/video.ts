/** Pictures of a call: opening the camera, and what is sent where there is none. */

import { openMicrophone } from './microphone'

export const CAMERA: MediaTrackConstraints = { width: { ideal: 640 }, height: { ideal: 480 }, frameRate: { ideal: 24, max: 30 } }
/** Signing needs frames more than lines. */

export interface Opened {
  stream: MediaStream
  camera: boolean // pictures of the person are sent
  microphone: boolean // and their voice
  forbidden: boolean // there is a camera, but the browser or the person does not allow it
}

/** Whether a camera is there and not forbidden. */
export async function cameraReady(): Promise<boolean> {
  if (!navigator.mediaDevices) return false
  try {
    const allowed = await navigator.permissions.query({ name: 'camera' as PermissionName })
    if (allowed.state === 'denied') return false
  } catch {
    // a browser that does not tell: the devices do
  }
  const devices = await navigator.mediaDevices.enumerateDevices()
  return devices.some((device) => device.kind === 'videoinput')
}

/**
 * Open what there is for a call with video. Where the camera is missing or refused a picture with `notice` is sent
 * in its place, and silence where there is no microphone: the call goes on, and both can write.
 */
export async function openForVideo(notice: string): Promise<Opened> {
  const voice = await attempt(() => openMicrophone('', null))
  const devices = await navigator.mediaDevices?.enumerateDevices() ?? []
  const found = devices.some((device) => device.kind === 'videoinput')
  const pictures = (await cameraReady()) ? await attempt(() => navigator.mediaDevices.getUserMedia({ video: CAMERA })) : null
  const stream = new MediaStream([
    voice?.getAudioTracks()[0] ?? silence(),
    pictures?.getVideoTracks()[0] ?? noticeTrack(notice),
  ])
  return { stream, camera: pictures !== null, microphone: voice !== null, forbidden: found && pictures === null }
}

/** A video track that shows a sentence. */
export function noticeTrack(text: string): MediaStreamTrack {
  const canvas = document.createElement('canvas')
  canvas.width = 640
  canvas.height = 480
  const draw = (): void => {
    const pen = canvas.getContext('2d')
    if (pen === null) return
    pen.fillStyle = '#16324f'
    pen.fillRect(0, 0, 640, 480)
    pen.fillStyle = '#fff'
    pen.font = '32px sans-serif'
    pen.textAlign = 'center'
    pen.fillText(text, 320, 250)
  }
  draw()
  const track = canvas.captureStream(2).getVideoTracks()[0]
  if (track === undefined) throw new Error('canvas has no video track')
  const timer = window.setInterval(() => (track.readyState === 'ended' ? window.clearInterval(timer) : draw()), 500)
  return track
}

function silence(): MediaStreamTrack {
  const track = new AudioContext().createMediaStreamDestination().stream.getAudioTracks()[0]
  if (track === undefined) throw new Error('no audio track')
  return track
}

async function attempt<T>(open: () => Promise<T>): Promise<T | null> {
  try {
    return await open()
  } catch {
    return null // missing, refused or in use: the caller sends something in its place and says so
  }
}
