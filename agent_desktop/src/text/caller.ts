/** Who is on the line, as agents read it. */

import { grouped } from '@/text/time'

/** The number the server knows, else what the telephone was told; `guest-…` is an account of the citizens' page. */
export function onTheLine(known: string, told: string): string {
  if (known !== '') return grouped(known)
  if (told.startsWith('guest-')) return '网页来访'
  return /^[+*#0-9]+$/.test(told) ? grouped(told) : '未显示号码'
}
