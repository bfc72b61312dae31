import { describe, expect, it } from 'vitest'

import { frameOf, inside, outlinesOf, readPoint, toPixels, toPoint, writePoint, zoomed, type Outline } from '@/order/map'

const CITY = [
  { lon: 121.4, lat: 31.1 },
  { lon: 121.6, lat: 31.3 },
]

describe('a sketch of the city', () => {
  const frame = frameOf(CITY, 460, 360)

  it('shows every place inside its edges', () => {
    for (const point of CITY) {
      const { x, y } = toPixels(frame, point)
      expect(x > 0 && x < 460 && y > 0 && y < 360).toBe(true)
    }
  })

  it('finds the point again that it has drawn, north up', () => {
    const at = toPixels(frame, { lon: 121.47, lat: 31.23 })
    const back = toPoint(frame, at.x, at.y)
    expect([back.lon.toFixed(6), back.lat.toFixed(6)]).toEqual(['121.470000', '31.230000'])
    expect(toPixels(frame, { lon: 121.47, lat: 31.29 }).y).toBeLessThan(at.y)
  })

  it('keeps what is under the pointer in its place when zoomed', () => {
    const before = toPoint(frame, 100, 80)
    const after = toPoint(zoomed(frame, 2, 100, 80), 100, 80)
    expect([after.lon.toFixed(6), after.lat.toFixed(6)]).toEqual([before.lon.toFixed(6), before.lat.toFixed(6)])
  })
})

describe('a point of an order', () => {
  it('is read as it is written', () => {
    expect(readPoint(writePoint({ lon: 121.473117, lat: 31.230416 }))).toEqual({ lon: 121.47312, lat: 31.23042 })
  })
  it('is nothing when it is something else', () => {
    expect([readPoint(''), readPoint('人民路'), readPoint('1,2,3')]).toEqual([null, null, null])
  })
})

describe('the districts of a map', () => {
  const square = (west: number, south: number, side: number): number[][] => [[west, south], [west + side, south], [west + side, south + side], [west, south + side], [west, south]]
  const geo = {
    features: [
      { properties: { name: '东区' }, geometry: { type: 'Polygon', coordinates: [square(1, 0, 1), square(1.4, 0.4, 0.2)] } },
      { properties: { name: '群岛' }, geometry: { type: 'MultiPolygon', coordinates: [[square(3, 0, 1)], [square(5, 0, 1)]] } },
      { properties: {}, geometry: { type: 'Point', coordinates: [0, 0] } },
    ],
  }
  const [east, isles] = outlinesOf(geo)

  it('are read from polygons, islands and all', () => {
    expect(outlinesOf(geo).map((one) => [one.name, one.rings.length])).toEqual([['东区', 2], ['群岛', 2]])
    expect(outlinesOf({})).toEqual([])
  })

  it('hold what lies in them, and not what lies in their holes or between their islands', () => {
    const held = (outline: Outline | undefined, lon: number, lat: number): boolean => outline !== undefined && inside(outline, { lon, lat })
    expect([held(east, 1.2, 0.5), held(east, 1.5, 0.5), held(east, 2.5, 0.5)]).toEqual([true, false, false])
    expect([held(isles, 3.5, 0.5), held(isles, 4.5, 0.5), held(isles, 5.5, 0.5)]).toEqual([true, false, true])
  })
})
