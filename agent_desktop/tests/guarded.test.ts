import { describe, expect, it } from 'vitest'

import { useGuarded } from '@/api/guarded'
import { ApiError } from '@/api/http'

describe('guarded work', () => {
  it('is named while it goes on, and what was refused before is forgotten', async () => {
    const { error, doing, guarded } = useGuarded()
    error.value = '不可用'
    let seen = ''
    await guarded(async () => { seen = `${doing.value}${error.value}` }, 'keep')
    expect([seen, doing.value, error.value]).toEqual(['keep', '', ''])
  })
  it('says why it was refused', async () => {
    const { error, doing, guarded } = useGuarded()
    await guarded(() => Promise.reject(new ApiError(409, 'refused', '内容没有变化')), 'keep')
    expect([doing.value, error.value]).toEqual(['', '内容没有变化'])
  })
  it('lets everything else through', async () => {
    const { error, doing, guarded } = useGuarded()
    await expect(guarded(() => Promise.reject(new TypeError('broken')), 'keep')).rejects.toThrow('broken')
    expect([doing.value, error.value]).toEqual(['', ''])
  })
})
