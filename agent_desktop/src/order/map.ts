/** Where places lie on a drawing without any map of others: degrees to pixels and back. Pure. */

export interface Point {
  lon: number
  lat: number
}

export interface Frame {
  west: number
  north: number
  scale: number // pixels a degree of latitude
  narrow: number // a degree of longitude beside one of latitude
  width: number
  height: number
}

const LEAST_DEG = 0.005 // about 500 m: a single place is not blown up to a blot

/** The frame in which all points are seen, with a margin. */
export function frameOf(points: readonly Point[], width: number, height: number): Frame {
  const lons = points.map((one) => one.lon)
  const lats = points.map((one) => one.lat)
  const west = points.length > 0 ? Math.min(...lons) : 0
  const east = points.length > 0 ? Math.max(...lons) : 0
  const south = points.length > 0 ? Math.min(...lats) : 0
  const north = points.length > 0 ? Math.max(...lats) : 0
  const narrow = Math.cos((((south + north) / 2) * Math.PI) / 180)
  const wide = Math.max((east - west) * narrow, LEAST_DEG) * 1.12
  const high = Math.max(north - south, LEAST_DEG) * 1.12
  const scale = Math.min(width / wide, height / high)
  const middle = { lon: (west + east) / 2, lat: (south + north) / 2 }
  return {
    west: middle.lon - width / 2 / scale / narrow,
    north: middle.lat + height / 2 / scale,
    scale, narrow, width, height,
  }
}

export function toPixels(frame: Frame, point: Point): { x: number; y: number } {
  return { x: (point.lon - frame.west) * frame.narrow * frame.scale, y: (frame.north - point.lat) * frame.scale }
}

export function toPoint(frame: Frame, x: number, y: number): Point {
  return { lon: frame.west + x / frame.scale / frame.narrow, lat: frame.north - y / frame.scale }
}

/** "121.47312,31.23041" as an order's field has it; null for anything else. */
export function readPoint(text: string): Point | null {
  const found = /^(-?\d{1,3}(?:\.\d+)?)\s*,\s*(-?\d{1,2}(?:\.\d+)?)$/.exec(text.trim())
  return found === null ? null : { lon: Number(found[1]), lat: Number(found[2]) }
}

export function writePoint(point: Point): string {
  return `${point.lon.toFixed(5)},${point.lat.toFixed(5)}`
}

/** Zoom by `factor`; the point under (x, y) stays where it is. */
export function zoomed(frame: Frame, factor: number, x: number, y: number): Frame {
  const at = toPoint(frame, x, y)
  const scale = Math.min(Math.max(frame.scale * factor, 50), 2_000_000)
  return { ...frame, scale, west: at.lon - x / scale / frame.narrow, north: at.lat + y / scale }
}

/** A district on the city's map. */
export interface Outline {
  name: string
  rings: Point[][] // outer edges and holes
}

/** The districts of a GeoJSON map; shapes that are none are left out. */
export function outlinesOf(geo: unknown): Outline[] {
  const features = (geo as { features?: unknown } | null)?.features
  if (!Array.isArray(features)) return []
  return features.flatMap((one: { properties?: { name?: unknown }; geometry?: { type?: unknown; coordinates?: unknown } }) => {
    const { type, coordinates } = one.geometry ?? {}
    const polygons = type === 'Polygon' ? [coordinates] : type === 'MultiPolygon' ? (coordinates as unknown[]) : []
    const rings = polygons.flatMap((polygon) => (polygon as number[][][]).map((ring) => ring.map(([lon, lat]) => ({ lon: lon ?? 0, lat: lat ?? 0 }))))
    return rings.length > 0 && typeof one.properties?.name === 'string' ? [{ name: one.properties.name, rings }] : []
  })
}

/** Whether the point lies in the district: an odd number of its edges lies east of it. */
export function inside(outline: Outline, point: Point): boolean {
  let odd = false
  for (const ring of outline.rings) {
    for (let at = 0, before = ring.length - 1; at < ring.length; before = at, at += 1) {
      const [a, b] = [ring[at], ring[before]]
      if (a === undefined || b === undefined || a.lat > point.lat === b.lat > point.lat) continue
      if (point.lon < ((b.lon - a.lon) * (point.lat - a.lat)) / (b.lat - a.lat) + a.lon) odd = !odd
    }
  }
  return odd
}

/** The district as an SVG path, and where its name is written. */
export function drawnOutline(frame: Frame, outline: Outline): { name: string; path: string; x: number; y: number } {
  const rings = outline.rings.map((ring) => ring.map((point) => toPixels(frame, point)))
  const path = rings.map((ring) => `M${ring.map(({ x, y }) => `${x.toFixed(1)} ${y.toFixed(1)}`).join('L')}Z`).join('')
  const xs = rings.flat().map((one) => one.x)
  const ys = rings.flat().map((one) => one.y)
  return { name: outline.name, path, x: (Math.min(...xs) + Math.max(...xs)) / 2, y: (Math.min(...ys) + Math.max(...ys)) / 2 }
}
