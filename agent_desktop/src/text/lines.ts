/** The difference of two texts, line by line (longest common subsequence). */

export interface Changed {
  sign: ' ' | '+' | '-'
  text: string
}

const MOST = 4_000_000 // cells of the table; above it, all that differs is shown as replaced

/** Every line of both texts: kept, added or taken away, in order. */
export function changes(before: string, after: string): Changed[] {
  const old = before.split('\n')
  const now = after.split('\n')
  let head = 0
  while (head < old.length && head < now.length && old[head] === now[head]) head += 1
  let tail = 0
  while (tail < old.length - head && tail < now.length - head && old[old.length - 1 - tail] === now[now.length - 1 - tail]) tail += 1
  const kept = (lines: string[]): Changed[] => lines.map((text) => ({ sign: ' ', text }))
  return [
    ...kept(old.slice(0, head)),
    ...middle(old.slice(head, old.length - tail), now.slice(head, now.length - tail)),
    ...kept(old.slice(old.length - tail)),
  ]
}

function middle(old: string[], now: string[]): Changed[] {
  if (old.length * now.length > MOST) {
    return [...old.map((text): Changed => ({ sign: '-', text })), ...now.map((text): Changed => ({ sign: '+', text }))]
  }
  const width = now.length + 1
  const common = new Uint32Array((old.length + 1) * width)
  for (let i = old.length - 1; i >= 0; i -= 1) {
    for (let j = now.length - 1; j >= 0; j -= 1) {
      const below = common[(i + 1) * width + j]!
      const right = common[i * width + j + 1]!
      common[i * width + j] = old[i] === now[j] ? common[(i + 1) * width + j + 1]! + 1 : Math.max(below, right)
    }
  }
  const found: Changed[] = []
  let i = 0
  let j = 0
  while (i < old.length || j < now.length) {
    if (i < old.length && j < now.length && old[i] === now[j]) {
      found.push({ sign: ' ', text: old[i]! })
      i += 1
      j += 1
    } else if (j >= now.length || (i < old.length && common[(i + 1) * width + j]! >= common[i * width + j + 1]!)) {
      found.push({ sign: '-', text: old[i]! })
      i += 1
    } else {
      found.push({ sign: '+', text: now[j]! })
      j += 1
    }
  }
  return found
}
