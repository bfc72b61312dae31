import { describe, expect, it } from 'vitest'

import { differences, EMPTY, HEADS, problem, stateOn, template } from '@/knowledge/articles'

const CARD = { ...EMPTY, question: '居住证怎么办', answer: '带身份证\n到派出所', unit: '市公安局', variants: ['办居住证'] }

describe('an article', () => {
  it.each([
    [{}, 'valid'],
    [{ valid_from: '2026-11-22', valid_until: '2026-11-22' }, 'valid'],
    [{ valid_from: '2026-11-23' }, 'coming'],
    [{ valid_until: '2026-11-21' }, 'expired'],
    [{ valid_until: '2026-11-21', withdrawn: true }, 'withdrawn'],
  ] as const)('with %o is %s on its day', (more, state) => {
    expect(stateOn({ ...CARD, ...more }, '2026-11-22')).toBe(state)
  })

  it('differs from another in the fields that were changed, line by line', () => {
    const found = differences(CARD, { ...CARD, answer: '带身份证\n网上办理', variants: ['办居住证', '暂住证'], public: true })
    expect(found.map((one) => one.title)).toEqual(['其他问法', '答复', '对公众公开'])
    expect(found[1]!.lines.map((line) => line.sign + line.text)).toEqual([' 带身份证', '-到派出所', '+网上办理'])
  })

  it('that fills an empty field shows nothing as taken away', () => {
    expect(differences(CARD, { ...CARD, basis: '条例' })[0]!.lines).toEqual([{ sign: '+', text: '条例' }])
  })

  it('says what is missing or the wrong way round', () => {
    expect(problem(CARD)).toBe('')
    expect(problem({ ...CARD, answer: ' ' })).toBe('请填写答复')
    expect(problem({ ...CARD, valid_from: '2026-02-01', valid_until: '2026-01-01' })).toBe('失效日期早于生效日期')
    expect(problem({ ...CARD, variants: Array.from({ length: 51 }, (_, at) => `问${at}`) })).toContain('50')
  })
})

describe('the file to fill in', () => {
  it('has as many cells in its example as heads, and a mark for Excel', () => {
    const [heads, example] = template().slice(1).trimEnd().split('\r\n')
    expect(template().charCodeAt(0)).toBe(0xfeff)
    expect(heads!.split(',')).toEqual([...HEADS])
    expect(example!.split(',')).toHaveLength(HEADS.length)
  })
})
