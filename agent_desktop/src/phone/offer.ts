/** What an INVITE says of the call it offers; the headers are those of [hotline-leg] in the dialplan. */

export interface Offered {
  video: boolean // the other side has a camera
  auto: boolean // to be answered without a click
  rejoin: string // id of the call that this window (or the one before it) talked in, "" for a new one
}

export const NOTHING: Offered = { video: false, auto: false, rejoin: '' }

interface Invite {
  body?: string | null
  getHeader(name: string): string | undefined
}

export function offered(invite: Invite): Offered {
  return {
    video: /^m=video [1-9]/m.test(invite.body ?? ''),
    auto: /;\s*answer-after\s*=\s*0\b/.test(invite.getHeader('Call-Info') ?? ''),
    rejoin: invite.getHeader('X-Hotline-Rejoin') ?? '',
  }
}
