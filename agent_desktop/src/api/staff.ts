import type { StaffMessage } from '@/live/protocol'

import { ask } from './http'

/** What supervisors sent, newest first, with who has read it. */
export async function sentWords(before?: number): Promise<StaffMessage[]> {
  const answer = await ask<{ messages: StaffMessage[] }>('GET', '/api/staff-messages', { query: { box: 'sent', before } })
  return answer.messages
}
