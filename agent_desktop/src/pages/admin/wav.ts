/** Recordings that a browser can read, as WAV files that the server takes. */

const HEADER = 44
const FULL = 32767

/** Any audio file (WAV, MP3, M4A, OGG, WebM …) as mono 16-bit PCM WAV. Throws DOMException: it is none. */
export async function toWav(file: Blob): Promise<Blob> {
  const context = new OfflineAudioContext(1, 1, 48_000)
  const sound = await context.decodeAudioData(await file.arrayBuffer())
  const mono = new Float32Array(sound.length)
  for (let channel = 0; channel < sound.numberOfChannels; channel += 1) {
    const samples = sound.getChannelData(channel)
    for (let place = 0; place < samples.length; place += 1) mono[place] = (mono[place] ?? 0) + (samples[place] ?? 0) / sound.numberOfChannels
  }
  return encodeWav(mono, sound.sampleRate)
}

/** Samples between -1 and 1 as a mono 16-bit PCM WAV file. */
export function encodeWav(samples: Float32Array, rate: number): Blob {
  const view = new DataView(new ArrayBuffer(HEADER + samples.length * 2))
  const word = (at: number, text: string): void => [...text].forEach((letter, place) => view.setUint8(at + place, letter.charCodeAt(0)))
  word(0, 'RIFF')
  view.setUint32(4, HEADER - 8 + samples.length * 2, true)
  word(8, 'WAVEfmt ')
  view.setUint32(16, 16, true)
  view.setUint16(20, 1, true)
  view.setUint16(22, 1, true)
  view.setUint32(24, rate, true)
  view.setUint32(28, rate * 2, true)
  view.setUint16(32, 2, true)
  view.setUint16(34, 16, true)
  word(36, 'data')
  view.setUint32(40, samples.length * 2, true)
  samples.forEach((sample, place) => view.setInt16(HEADER + place * 2, Math.round(Math.max(-1, Math.min(1, sample)) * FULL), true))
  return new Blob([view.buffer], { type: 'audio/wav' })
}
